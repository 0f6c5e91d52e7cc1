// console.* in the platform's log format: time, request id, level, message, tab separated, one event a call.
'use strict';

const fs = require('node:fs');
const { format } = require('node:util');

const STDOUT = 1;
const LEVELS = { trace: 'TRACE', debug: 'DEBUG', log: 'INFO', info: 'INFO', warn: 'WARN', error: 'ERROR', fatal: 'FATAL' };

let requestId;

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

function install() {
  for (const [method, level] of Object.entries(LEVELS)) {
    console[method] = (...parameters) => logEvent(level, parameters);
  }
}

module.exports = { install, logEvent, setRequestId };
