"""A little shop with a login, so that a newcomer sees a whole login in a minute. No part of the service."""
