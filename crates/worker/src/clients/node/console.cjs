// console.* in the platform's log format, one event a call: time, request id, level and message, tab separated; or a JSON
// object when the function's log format is JSON.
'use strict';

const fs = require('node:fs');
const { format } = require('node:util');

const errors = require('./errors.cjs');

const STDOUT = 1;
const LEVELS = { trace: 'TRACE', debug: 'DEBUG', log: 'INFO', info: 'INFO', warn: 'WARN', error: 'ERROR', fatal: 'FATAL' };

/** By rising weight; what is below the function's level is not written. */
const WEIGHTS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

let requestId;
let isJson = false;

function setRequestId(id) {
  requestId = id;
}

/** Writes all of a text to standard output before returning, so that it precedes the response. */
function writeOut(text) {
  let bytes = Buffer.from(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(fs.writeSync(STDOUT, bytes));
    } catch (error) {
      // Nobody reads any more: losing the line is all that can be done.
      if (error.code !== 'EINTR' && error.code !== 'EAGAIN') return;
    }
  }
}

/** One log event. A newline would start a new event, so each inside it is marked: `output.rs` reads that. */
function logEvent(level, parameters) {
  const text = format(...parameters).replace(/\n/g, '\x1f\n');
  writeOut(`${new Date().toISOString()}\t${requestId}\t${level}\t${text}\n`);
}

/** One object. A single value is the message as it is; of several, the first error shows in fields of its own too. */
function logObject(level, parameters) {
  const entry = { timestamp: new Date().toISOString(), level, requestId };
  if (parameters.length === 1) {
    entry.message = parameters[0];
    try {
      return JSON.stringify(entry, (_key, value) => (value instanceof Error ? errors.toFields(value) : value));
    } catch {
      entry.message = format(entry.message);
    }
  } else {
    entry.message = format(...parameters);
    const error = parameters.find((parameter) => parameter instanceof Error);
    if (error !== undefined) Object.assign(entry, errors.toFields(error));
  }
  return JSON.stringify(entry);
}

function log(level, parameters) {
  if (isJson) writeOut(`${logObject(level, parameters)}\n`);
  else logEvent(level, parameters);
}

/** An error that ends a call or the process. */
function logError(title, error) {
  if (isJson) writeOut(`${logObject('ERROR', [title, error])}\n`);
  else logEvent('ERROR', [title, errors.toLogText(error)]);
}

function install() {
  isJson = process.env.AWS_LAMBDA_LOG_FORMAT === 'JSON';
  const least = isJson ? WEIGHTS.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL) : -1;
  for (const [method, level] of Object.entries(LEVELS)) {
    console[method] = WEIGHTS.indexOf(level) < least ? () => {} : (...parameters) => log(level, parameters);
  }
}

module.exports = { install, logError, setRequestId };
