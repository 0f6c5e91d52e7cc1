// Runs one function in this process: started without one, given it by ASSIGN, called by INVOKE.
'use strict';

const Module = require('node:module');

const channel = require('./channel.cjs');
const errors = require('./errors.cjs');
const functionHandler = require('./handler.cjs');
const lambdaConsole = require('./console.cjs');
const { preload } = require('./preload.cjs');
const streaming = require('./streaming.cjs');

const { KIND } = channel;
const EXIT_UNHANDLED_REJECTION = 128;
const EXIT_UNCAUGHT_EXCEPTION = 129;

let assignment;
let handler;
/** The invocation in progress, or null. */
let current = null;

async function main() {
  await import('./empty.mjs');
  // What follows the client's own name is for the client only.
  const wanted = process.argv.splice(2);
  if (wanted.length > 0) await preload(...wanted);
  channel.send(KIND.READY);
  const frame = channel.receive();
  if (frame.kind !== KIND.ASSIGN) process.reallyExit(1);
  assignment = JSON.parse(frame.body.toString('utf8'));
  Object.assign(process.env, assignment.environment);
  // Node read NODE_PATH when it started, before there was a function.
  Module._initPaths();
  process.chdir(assignment.task_root);
  lambdaConsole.install();
  streaming.install();
  process.on('uncaughtException', (error) => die(error, 'Uncaught Exception', EXIT_UNCAUGHT_EXCEPTION));
  process.on('unhandledRejection', (reason, promise) => {
    const error = new errors.UnhandledPromiseRejection(reason, promise);
    die(error, 'Unhandled Promise Rejection', EXIT_UNHANDLED_REJECTION);
  });
  process.on('beforeExit', onNothingLeft);
  functionHandler.load(assignment.task_root, assignment.handler, assignment.import_folders).then(
    (loaded) => {
      handler = loaded;
      channel.send(KIND.INITIALISED);
      setImmediate(next);
    },
    (error) => die(error, 'Uncaught Exception', 1),
  );
}

/** Reports an error that ends this process, and ends it. */
function die(error, title, exitCode) {
  lambdaConsole.logError(title, error);
  // A half written chunk cannot be followed by another frame; the platform then reports the exit.
  if (!channel.isBusy()) {
    if (handler === undefined) channel.send(KIND.INIT_ERROR, errors.toPayload(error));
    else channel.send(current?.stream?.started ? KIND.STREAM_ERROR : KIND.FATAL_ERROR, errors.toPayload(error));
  }
  process.reallyExit(exitCode);
}

/** The event loop is empty: nothing can settle what is still open. */
function onNothingLeft() {
  if (handler === undefined) {
    die(
      new errors.NodeJsExit(
        'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes',
      ),
      'Uncaught Exception',
      1,
    );
  }
  current?.onNothingLeft();
}

/** Waits for the next invocation, the process standing still meanwhile, and starts it. */
function next() {
  const frame = channel.receive();
  if (frame.kind !== KIND.INVOKE) process.reallyExit(1);
  const headBytes = frame.body.readUInt32BE(0);
  const head = JSON.parse(frame.body.toString('utf8', 4, 4 + headBytes));
  const event = frame.body.toString('utf8', 4 + headBytes);
  applyInvocationEnvironment(head);
  lambdaConsole.setRequestId(head.request_id);
  current = streaming.isStreaming(handler) ? new StreamingCall(head) : new BufferedCall(head);
  current.run(event);
}

function applyInvocationEnvironment(head) {
  for (const name in head.environment) {
    const value = head.environment[name];
    // Setting a variable costs a system call, and most stay the same.
    if (process.env[name] !== value) process.env[name] = value;
  }
}

function buildContext(head) {
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: assignment.function_version,
    functionName: assignment.function_name,
    memoryLimitInMB: assignment.memory_mib,
    logGroupName: assignment.log_group,
    logStreamName: assignment.log_stream,
    clientContext: head.client_context === undefined ? undefined : JSON.parse(head.client_context),
    identity: head.cognito_identity === undefined ? undefined : JSON.parse(head.cognito_identity),
    invokedFunctionArn: head.function_arn,
    awsRequestId: head.request_id,
    tenantId: undefined,
    getRemainingTimeInMillis: () => Math.max(0, head.deadline_epoch_ms - Date.now()),
  };
}

function isPromise(value) {
  return value !== null && typeof value === 'object' && typeof value.then === 'function';
}

class Call {
  finished = false;

  constructor(head) {
    this.head = head;
  }

  /** Runs `send` once, then lets the event loop turn and waits for the next invocation. */
  finish(send) {
    if (this.finished) return;
    send();
    this.finished = true;
    current = null;
    setImmediate(next);
  }

  fail(error) {
    this.finish(() => {
      lambdaConsole.logError('Invoke Error', error);
      channel.send(KIND.ERROR, errors.toPayload(error));
    });
  }
}

class BufferedCall extends Call {
  /** Set by a callback that waits for the event loop to empty. */
  pending = null;

  run(text) {
    const context = buildContext(this.head);
    const settle = (error, result) => (error === undefined || error === null ? this.succeed(result) : this.fail(error));
    const done = (error, result) => {
      if (this.finished || this.pending !== null) return;
      if (context.callbackWaitsForEmptyEventLoop) this.pending = () => settle(error, result);
      else settle(error, result);
    };
    context.succeed = (result) => settle(null, result);
    context.fail = (error) => settle(error ?? 'handled');
    context.done = (error, result) => settle(error, result);
    try {
      const result = handler(JSON.parse(text), context, done);
      if (isPromise(result)) {
        result.then(
          (value) => this.succeed(value),
          (error) => this.fail(error),
        );
      }
    } catch (error) {
      this.fail(error);
    }
  }

  succeed(result) {
    let text;
    try {
      text = JSON.stringify(result) ?? 'null';
    } catch {
      return this.fail(new Error('Unable to stringify response body'));
    }
    this.finish(() => channel.send(KIND.RESPONSE, text));
  }

  onNothingLeft() {
    if (this.pending !== null) this.pending();
    else this.succeed(null);
  }
}

class StreamingCall extends Call {
  stream = new streaming.ResponseStream();
  returned = false;

  run(text) {
    this.stream.on('error', (error) => this.fail(error));
    this.stream.on('finish', () => this.endWhenComplete());
    try {
      const result = handler(JSON.parse(text), this.stream, buildContext(this.head));
      if (!isPromise(result)) throw new Error('Streaming does not support non-async handlers.');
      result.then(
        () => {
          this.returned = true;
          this.endWhenComplete();
        },
        (error) => this.fail(error),
      );
    } catch (error) {
      this.fail(error);
    }
  }

  endWhenComplete() {
    if (this.returned && this.stream.writableFinished) this.finish(() => channel.send(KIND.STREAM_END));
  }

  fail(error) {
    if (!this.stream.started) return super.fail(error);
    const report = () =>
      this.finish(() => {
        lambdaConsole.logError('Invoke Error', error);
        channel.send(KIND.STREAM_ERROR, errors.toPayload(error));
      });
    if (channel.isBusy()) setTimeout(() => this.fail(error), 1);
    else report();
  }

  onNothingLeft() {
    this.returned = true;
    if (this.stream.writableFinished) this.endWhenComplete();
    else this.stream.end();
  }
}

main();
