"""The thin layer over pymongo. No module outside this package imports pymongo, except for type checking."""
