"""From the text of the handler setting to the function it names, and errors as the platform reports them."""

import importlib
import os
import sys
import traceback

CLIENT_FOLDER = os.path.dirname(os.path.abspath(__file__))


class InitError(Exception):
    """The function cannot be loaded; `error` is the report."""

    def __init__(self, error):
        super().__init__(error["errorMessage"])
        self.error = error


def make_error(error_type, message, stack_trace, request_id=None):
    error = {"errorMessage": message, "errorType": error_type}
    if request_id is not None:
        error["requestId"] = request_id
    error["stackTrace"] = stack_trace
    return error


def describe(exception, request_id=None):
    """The report of what the function raised, without the client's and the import system's own frames."""
    frames = traceback.extract_tb(exception.__traceback__)
    own = [
        frame
        for frame in frames
        if not frame.filename.startswith((CLIENT_FOLDER, "<frozen importlib"))
        and frame.filename != importlib.__file__
    ]
    try:
        message = str(exception)
    except Exception as cause:
        message = f"<{type(exception).__name__} whose text cannot be made: {type(cause).__name__}>"
    return make_error(type(exception).__name__, message, traceback.format_list(own), request_id)


def load(name):
    """The function `package/module.function` names. Raises InitError."""
    try:
        module_name, function_name = name.rsplit(".", 1)
    except ValueError as cause:
        raise InitError(make_error("Runtime.MalformedHandlerName", f"Bad handler '{name}': {cause}", [])) from None
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as cause:
        raise InitError(
            make_error("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {cause}", [])
        ) from None
    except SyntaxError as cause:
        trace = [f'  File "{cause.filename}" Line {cause.lineno}\n    {cause.text}']
        raise InitError(
            make_error("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {cause}", trace)
        ) from None
    except Exception as cause:
        raise InitError(describe(cause)) from None
    try:
        function = getattr(module, function_name)
    except AttributeError:
        raise InitError(
            make_error("Runtime.HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'", [])
        ) from None
    if not callable(function):
        raise InitError(
            make_error("Runtime.HandlerNotFound", f"Handler '{function_name}' on module '{module_name}' is not callable", [])
        )
    return function


def extend_path(assignment):
    """Modules are searched in the function, its layers, PYTHONPATH, the standard library, the platform's SDK.

    Gives the folders before the standard library.
    """
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    first = [assignment["task_root"]]
    if assignment.get("opt"):
        first.append(os.path.join(assignment["opt"], "python", "lib", version, "site-packages"))
        first.append(os.path.join(assignment["opt"], "python"))
    first.extend(folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder)
    last = [assignment["sdk"]] if assignment.get("sdk") else []
    rest = [folder for folder in sys.path if folder != CLIENT_FOLDER and folder not in first and folder not in last]
    sys.path[:] = list(dict.fromkeys(folder for folder in first if folder not in last)) + rest + last
    # The search must not remember that a folder was empty before there was a function. (The usual call,
    # invalidate_caches, loads the whole of importlib.metadata first.)
    sys.path_importer_cache.clear()
    return [folder for folder in first if folder not in last]
