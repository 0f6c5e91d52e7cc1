// A running Cloudling for one test file, and the clients that talk to it.

import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';

// The SDKs lie in the test environment, outside of this folder.
export const require = createRequire(path.join(process.env.CLOUDLING_TEST_NODE_MODULES, 'x.js'));

const READY_DEADLINE_MS = 60_000;
const EVENTUALLY_DEADLINE_MS = 20_000;
const POLL_INTERVAL_MS = 50;

export async function startCloud() {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudling-node-'));
  const server = spawn(process.env.CLOUDLING_BINARY, ['up', '--listen', '127.0.0.1:0', '--data', path.join(folder, 'data'), '--no-runtimes-install'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  let endpoint;
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no `Ready.`')), READY_DEADLINE_MS);
    ended.then((code) => reject(new Error(`the server ended with ${code}`)));
    createInterface({ input: server.stdout }).on('line', (line) => {
      endpoint ??= line.match(/http:\/\/127\.0\.0\.1:\d+/)?.[0];
      if (line === 'Ready.') {
        clearTimeout(timer);
        resolve();
      }
    });
  });
  return {
    endpoint,
    account: () => String(Math.floor(1e11 + Math.random() * 9e11)),
    async stop() {
      server.kill('SIGTERM');
      const code = await ended;
      rmSync(folder, { recursive: true, force: true });
      return code;
    },
  };
}

export const settings = (cloud, account) => ({
  endpoint: cloud.endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: account, secretAccessKey: 'secret' },
  maxAttempts: 1,
});

// Asks again until `probe` answers something true. What is not there yet, such as a log group, may come.
export async function eventually(probe) {
  const end = Date.now() + EVENTUALLY_DEADLINE_MS;
  const absent = (error) => {
    if (error.name !== 'ResourceNotFoundException') throw error;
  };
  for (;;) {
    const found = await probe().catch(absent);
    if (found) return found;
    if (Date.now() > end) throw new Error(`not true within ${EVENTUALLY_DEADLINE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}

export const trustsLambda = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
});

// A deployment package with stored entries: the smallest zip writer that tools accept.
export function zipOf(files) {
  const locals = [];
  const centrals = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const [nameBytes, content] = [Buffer.from(name), Buffer.from(text)];
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt32LE(crc32(content), 10);
    shared.writeUInt32LE(content.length, 14);
    shared.writeUInt32LE(content.length, 18);
    shared.writeUInt16LE(nameBytes.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), shared, nameBytes, content]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((0o100644 << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    centrals.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x03', 'latin1'), shared, tail, nameBytes]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(centrals.length, 8);
  end.writeUInt16LE(centrals.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

// A gzip member ends in the CRC-32 of its content.
function crc32(content) {
  const member = zlib.gzipSync(content);
  return member.readUInt32LE(member.length - 8);
}
