// Frames over the inherited socket: a 4 byte big-endian length of the body, a 1 byte kind, the body.
//
// Reading blocks the whole process: between two invocations no timer and no callback of the function
// runs, the way a frozen environment behaves. Writing is one system call per frame.
'use strict';

const fs = require('node:fs');

const SOCKET = 3;
const HEAD_BYTES = 5;
const BUFFER_BYTES = 64 * 1024;

const KIND = Object.freeze({
  ASSIGN: 1,
  INVOKE: 2,
  READY: 16,
  INITIALISED: 17,
  INIT_ERROR: 18,
  RESPONSE: 19,
  ERROR: 20,
  FATAL_ERROR: 21,
  STREAM_HEAD: 22,
  STREAM_CHUNK: 23,
  STREAM_END: 24,
  STREAM_ERROR: 25,
});

let buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
let start = 0;
let end = 0;
let writesInFlight = 0;

function readAtLeast(bytes) {
  if (buffer.length - start < bytes) {
    const target = buffer.length < bytes ? Buffer.allocUnsafeSlow(bytes) : buffer;
    buffer.copy(target, 0, start, end);
    buffer = target;
    end -= start;
    start = 0;
  }
  while (end - start < bytes) {
    let read = 0;
    try {
      read = fs.readSync(SOCKET, buffer, end, buffer.length - end, null);
    } catch (error) {
      if (error.code === 'EINTR') continue;
      process.reallyExit(1);
    }
    // The platform is gone: nothing is left to work for.
    if (read === 0) process.reallyExit(0);
    end += read;
  }
}

/** The next frame; blocks until it is complete. The body is valid until the next call. */
function receive() {
  if (start === end) {
    start = 0;
    end = 0;
    if (buffer.length > BUFFER_BYTES) buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  }
  readAtLeast(HEAD_BYTES);
  const length = buffer.readUInt32BE(start);
  const kind = buffer[start + 4];
  readAtLeast(HEAD_BYTES + length);
  const body = buffer.subarray(start + HEAD_BYTES, start + HEAD_BYTES + length);
  start += HEAD_BYTES + length;
  return { kind, body };
}

function writeAll(bytes) {
  let written = 0;
  while (written < bytes.length) {
    try {
      written += fs.writeSync(SOCKET, bytes, written);
    } catch (error) {
      if (error.code !== 'EINTR') process.reallyExit(1);
    }
  }
}

/** Sends a frame with a text body. */
function send(kind, text = '') {
  const length = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(HEAD_BYTES + length);
  frame.writeUInt32BE(length, 0);
  frame[4] = kind;
  frame.write(text, HEAD_BYTES, 'utf8');
  writeAll(frame);
}

/** Sends a frame of bytes without blocking the event loop: a slow reader slows `done` down. */
function sendLater(kind, body, done) {
  const frame = Buffer.allocUnsafe(HEAD_BYTES + body.length);
  frame.writeUInt32BE(body.length, 0);
  frame[4] = kind;
  frame.set(body, HEAD_BYTES);
  writesInFlight += 1;
  const step = (from) => {
    fs.write(SOCKET, frame, from, frame.length - from, null, (error, written) => {
      if (!error && from + written < frame.length) return step(from + written);
      writesInFlight -= 1;
      done(error ?? null);
    });
  };
  step(0);
}

/** Whether a frame is half written, so that no other may be sent. */
function isBusy() {
  return writesInFlight > 0;
}

module.exports = { KIND, receive, send, sendLater, isBusy };
