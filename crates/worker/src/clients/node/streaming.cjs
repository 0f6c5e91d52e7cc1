// awslambda.streamifyResponse and the stream a streaming handler writes to.
'use strict';

const { Writable } = require('node:stream');

const channel = require('./channel.cjs');

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HTTP_RESPONSE = 'application/vnd.awslambda.http-integration-response';
const DEFAULT_TYPE = 'application/octet-stream';
const HIGH_WATER_BYTES = 64 * 1024;
const CHUNK_BYTES_MAX = 1024 * 1024;
const PRELUDE_END = Buffer.alloc(8);

class ResponseStream extends Writable {
  #contentType = DEFAULT_TYPE;
  #prelude = null;
  #started = false;

  constructor() {
    super({ highWaterMark: HIGH_WATER_BYTES });
  }

  setContentType(contentType) {
    this.#contentType = String(contentType);
  }

  /** Metadata that goes out before the first byte, with the delimiter of eight zero bytes. */
  setPrelude(prelude) {
    this.#prelude = Buffer.concat([Buffer.from(JSON.stringify(prelude ?? {})), PRELUDE_END]);
  }

  get started() {
    return this.#started;
  }

  start() {
    if (this.#started) return;
    this.#started = true;
    channel.send(channel.KIND.STREAM_HEAD, JSON.stringify({ content_type: this.#contentType }));
    if (this.#prelude !== null) channel.send(channel.KIND.STREAM_CHUNK, this.#prelude.toString('utf8'));
  }

  _write(chunk, _encoding, done) {
    this.start();
    const step = (from) => {
      const part = chunk.subarray(from, from + CHUNK_BYTES_MAX);
      channel.sendLater(channel.KIND.STREAM_CHUNK, part, (error) => {
        if (error || from + part.length >= chunk.length) return done(error);
        step(from + part.length);
      });
    };
    step(0);
  }

  _writev(chunks, done) {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'buffer', done);
  }

  _final(done) {
    this.start();
    done();
  }
}

class HttpResponseStream {
  /** Turns a response stream into an HTTP response: status, headers and cookies come from `metadata`. */
  static from(stream, metadata) {
    stream.setContentType(HTTP_RESPONSE);
    stream.setPrelude(metadata);
    return stream;
  }
}

function streamifyResponse(handler, options) {
  handler[STREAMING] = 'response';
  if (options?.highWaterMark !== undefined) {
    handler[Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark')] = Number(options.highWaterMark);
  }
  return handler;
}

function isStreaming(handler) {
  return handler[STREAMING] !== undefined;
}

function install() {
  globalThis.awslambda = { ...globalThis.awslambda, streamifyResponse, HttpResponseStream };
}

module.exports = { ResponseStream, install, isStreaming };
