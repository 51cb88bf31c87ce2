"""What tests of IoT Core on this machine share: servers, clients, functions and the ways between them."""
