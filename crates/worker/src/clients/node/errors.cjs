// Errors as the platform reports them: to the caller as JSON, to the log as one line.
'use strict';

const { types } = require('node:util');

function defineError(name) {
  return class extends Error {
    constructor(cause) {
      super(typeof cause === 'string' ? cause : String(cause));
      this.name = name;
      if (cause instanceof Error && cause.stack) {
        this.stack = `${name}: ${this.message}\n${cause.stack.split('\n').filter((line) => /^\s+at /.test(line)).join('\n')}`;
      }
    }
  };
}

const ImportModuleError = defineError('Runtime.ImportModuleError');
const UserCodeSyntaxError = defineError('Runtime.UserCodeSyntaxError');
const HandlerNotFound = defineError('Runtime.HandlerNotFound');
const MalformedHandlerName = defineError('Runtime.MalformedHandlerName');
const NodeJsExit = defineError('Runtime.NodeJsExit');

class UnhandledPromiseRejection extends Error {
  constructor(reason, promise) {
    super(String(reason));
    this.name = 'Runtime.UnhandledPromiseRejection';
    this.reason = reason;
    this.promise = promise;
  }
}

function isError(value) {
  return (
    types.isNativeError(value) ||
    value instanceof Error ||
    (value && typeof value === 'object' && typeof value.name === 'string' && 'message' in value && 'stack' in value)
  );
}

/** The JSON body of an error response. */
function toPayload(error) {
  try {
    if (isError(error)) {
      return JSON.stringify({
        errorType: String(error.name),
        errorMessage: String(error.message),
        trace: String(error.stack ?? '').split('\n'),
      });
    }
    return JSON.stringify({ errorType: typeof error, errorMessage: String(error), trace: [] });
  } catch {
    return JSON.stringify({
      errorType: 'handled',
      errorMessage:
        'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack',
    });
  }
}

function withFields(_key, value) {
  if (!isError(value)) return value;
  return {
    errorType: value.name,
    errorMessage: value.message,
    code: value.code,
    ...Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'name' && key !== 'message')),
    stack: String(value.stack ?? '').split('\n'),
  };
}

/** The fields of an object in a JSON log, its own properties among them. */
function toFields(error) {
  return {
    errorType: error?.constructor?.name ?? 'UnknownError',
    errorMessage: error.message,
    stackTrace: typeof error.stack === 'string' ? error.stack.split('\n') : [],
    ...error,
  };
}

/** The text that follows the title in the log. */
function toLogText(error) {
  try {
    return `\t${JSON.stringify(error, withFields)}`;
  } catch {
    return `\t${toPayload(error)}`;
  }
}

module.exports = {
  HandlerNotFound,
  ImportModuleError,
  MalformedHandlerName,
  NodeJsExit,
  UnhandledPromiseRejection,
  UserCodeSyntaxError,
  toFields,
  toLogText,
  toPayload,
};
