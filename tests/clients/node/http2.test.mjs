// HTTP/2 with prior knowledge, as the Kinesis client of aws-sdk v3 speaks it, on the same port as HTTP/1.1.

import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { after, before, test } from 'node:test';

import { startCloud } from './cloud.mjs';

let cloud;
before(async () => { cloud = await startCloud(); });
after(async () => assert.equal(await cloud.stop(), 0));

function request(session, headers, body) {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers);
    const answer = { body: '' };
    stream.setEncoding('utf8');
    stream.on('response', (received) => { answer.headers = received; });
    stream.on('data', (part) => { answer.body += part; });
    stream.on('end', () => resolve(answer));
    stream.on('error', reject);
    stream.end(body);
  });
}

test('many requests share one connection', async () => {
  const session = http2.connect(cloud.endpoint);
  const answers = await Promise.all(Array.from({ length: 50 }, () => request(session, { ':path': '/_localstack/health' })));
  for (const answer of answers) {
    assert.equal(answer.headers[':status'], 200);
    assert.equal(typeof JSON.parse(answer.body).services, 'object');
  }
  session.close();
});

test('an operation over HTTP/2', async () => {
  const session = http2.connect(cloud.endpoint);
  const account = cloud.account();
  const scope = `${account}/20260101/us-east-1/sts/aws4_request`;
  const answer = await request(
    session,
    {
      ':method': 'POST', ':path': '/', 'content-type': 'application/x-www-form-urlencoded',
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=${'0'.repeat(64)}`,
    },
    'Action=GetCallerIdentity&Version=2011-06-15',
  );
  assert.equal(answer.headers[':status'], 200);
  assert.match(answer.body, new RegExp(`<Account>${account}</Account>`));
  session.close();
});

test('HTTP/1.1 answers beside it', async () => {
  const answer = await fetch(`${cloud.endpoint}/_localstack/health`);
  assert.equal(answer.status, 200);
});
