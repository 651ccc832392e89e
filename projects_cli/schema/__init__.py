"""The contract: HOCON schema files, and requests checked against them.

How other rooms use it:

    from projects_cli.schema.cache import load

    catalog = load(path)                  # a file or a folder of *.conf; None: the shipped schema. SchemaError
    catalog.endpoints()                   # every Endpoint in file order: .name, .versions, .internal, .description
    version = catalog.version("get_all")  # also projects.get_all, get-all; UnknownEndpoint names the nearest
    catalog.version("get_all", "2.8")     # the newest that is not newer than 2.8; UsageError when that is no version

    version.endpoint, version.number      # "projects.get_all", "2.1"
    version.internal, version.description
    version.parameters                    # a Parameter each: .name .type .item_type .required .default .enum .minimum
    version.request_schema                # JSON Schema with the definitions that it needs; so is response_schema
    version.skeleton()                    # a valid request to fill in
    params = version.validate(raw)        # a new dict with defaults, or ValidationError with every problem

Importing this package loads nothing else; `cache` with `model` and `validate` are light, the rest is loaded when
something has to be compiled.
"""
