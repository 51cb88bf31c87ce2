"""What the handlers of the benchmarks know of the token. It loads nothing, so it adds nothing to their start."""

ISSUER = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_aB3dE5gH7"
AUDIENCE = "3n4b5urk1ft4fl3mg5e62d9ado"
FUNCTION_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:authorizer"
