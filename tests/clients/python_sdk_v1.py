"""AWS's device SDK v1 for Python subscribes to a topic with a retained message, publishes to it, and prints what comes.

It takes only host names of AWS. So each name leads to this machine here, as a hosts file does it.
Takes options as JSON: port, region, key_id, secret, token, client_id, topic, ca.
"""

import json
import queue
import socket
import sys

from AWSIoTPythonSDK.MQTTLib import AWSIoTMQTTClient  # type: ignore[import-untyped]

options = json.loads(sys.argv[1])
resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *others, **named: resolve("127.0.0.1", *others, **named)

received: queue.Queue[str] = queue.Queue()
client = AWSIoTMQTTClient(options["client_id"], useWebsocket=True)
client.configureEndpoint(f"example-ats.iot.{options['region']}.amazonaws.com", options["port"])
client.configureCredentials(options["ca"])
client.configureIAMCredentials(options["key_id"], options["secret"], options["token"] or "")
client.configureMQTTOperationTimeout(60)
client.connect(600)
client.subscribe(options["topic"], 1, lambda _client, _data, message: received.put(message.payload.decode()))
print(received.get(timeout=60))
client.publish(options["topic"], "hello", 1)
print(received.get(timeout=60))
client.disconnect()
