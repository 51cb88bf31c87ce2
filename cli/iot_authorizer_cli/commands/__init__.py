"""The commands of `iot-authorizer`: one file or folder for each."""
