"""The contract of the service: schema files in HOCON, and the requests that are validated against them.

    from projects_cli.schema.cache import load

    catalog = load(path)                  # a file or a folder of *.conf; None: the shipped schema. SchemaError
    catalog.endpoints()                   # every Endpoint in file order: .name, .versions, .internal, .description
    version = catalog.version("get_all")  # also projects.get_all, get-all; UnknownEndpoint names the nearest
    catalog.version("get_all", "2.8")     # the newest that is not newer than 2.8; UsageError if that is not a version

    version.endpoint, version.number      # "projects.get_all", "2.1"
    version.internal, version.description
    version.parameters                    # Parameters: .name .type .item_type .required .default .enum .minimum
    version.request_schema                # JSON Schema with the definitions that it needs; also response_schema
    version.skeleton()                    # a valid request to fill in
    params = version.validate(raw)        # a new dict with defaults, or ValidationError with every problem

`cache`, `model` and `validate` are light. The other modules are imported when a file has to be compiled.
"""
