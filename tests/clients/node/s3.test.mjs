// S3 with both JavaScript SDKs: multipart uploads by their managers, presigned URLs, streams, errors.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { randomBytes } from 'node:crypto';
import { require, settings, startCloud } from './cloud.mjs';

const { S3Client, CreateBucketCommand, PutObjectCommand, GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, DeleteObjectsCommand } =
  require('@aws-sdk/client-s3');
const { Upload } = require('@aws-sdk/lib-storage');
const { getSignedUrl } = require('@aws-sdk/s3-request-presigner');
const AWS = require('aws-sdk');

const PART_BYTES = 5 * 1024 * 1024;
let cloud;
before(async () => (cloud = await startCloud()));
after(async () => assert.equal(await cloud.stop(), 0));

let count = 0;
const name = () => `node-bucket-${process.pid}-${count++}`;

test('SDK v3', async () => {
  const s3 = new S3Client({ ...settings(cloud, cloud.account()), forcePathStyle: true });
  const Bucket = name();
  await s3.send(new CreateBucketCommand({ Bucket }));
  const content = randomBytes(2 * PART_BYTES + 5);
  await new Upload({ client: s3, params: { Bucket, Key: 'a b/large', Body: content }, partSize: PART_BYTES }).done();
  const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'a b/large' }));
  assert.ok(content.equals(Buffer.from(await got.Body.transformToByteArray())));
  const put = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'signed', Metadata: { colour: 'blue' } }), { expiresIn: 60 });
  assert.equal((await fetch(put, { method: 'PUT', body: 'presigned' })).status, 200);
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'signed' }));
  assert.deepEqual([head.ContentLength, head.Metadata], [9, { colour: 'blue' }]);
  const get = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'signed' }), { expiresIn: 60 });
  assert.equal(await (await fetch(get)).text(), 'presigned');
  const listed = await s3.send(new ListObjectsV2Command({ Bucket, Delimiter: '/' }));
  assert.deepEqual([listed.Contents.map((entry) => entry.Key), listed.CommonPrefixes], [['signed'], [{ Prefix: 'a b/' }]]);
  await assert.rejects(s3.send(new GetObjectCommand({ Bucket, Key: 'absent' })), { name: 'NoSuchKey' });
  await assert.rejects(s3.send(new HeadObjectCommand({ Bucket, Key: 'absent' })), { name: 'NotFound' });
  const deleted = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'signed' }, { Key: 'a b/large' }] } }));
  assert.equal(deleted.Deleted.length, 2);
});

test('SDK v2', async () => {
  const { endpoint, region, credentials } = settings(cloud, cloud.account());
  const s3 = new AWS.S3({ endpoint, region, credentials, s3ForcePathStyle: true, maxRetries: 0 });
  const Bucket = name();
  await s3.createBucket({ Bucket }).promise();
  const content = randomBytes(PART_BYTES + 5);
  await s3.upload({ Bucket, Key: 'large', Body: content }, { partSize: PART_BYTES }).promise();
  assert.ok(content.equals((await s3.getObject({ Bucket, Key: 'large' }).promise()).Body));
  const put = s3.getSignedUrl('putObject', { Bucket, Key: 'signed', ContentType: 'text/plain' });
  assert.equal((await fetch(put, { method: 'PUT', body: 'presigned', headers: { 'content-type': 'text/plain' } })).status, 200);
  assert.equal(await (await fetch(s3.getSignedUrl('getObject', { Bucket, Key: 'signed' }))).text(), 'presigned');
  assert.equal((await s3.getBucketLocation({ Bucket }).promise()).LocationConstraint, '');
  await assert.rejects(s3.getObject({ Bucket, Key: 'absent' }).promise(), { code: 'NoSuchKey' });
  await assert.rejects(s3.headObject({ Bucket, Key: 'absent' }).promise(), { code: 'NotFound' });
});
