// aws-sdk-js v2 against the binary: the older serialisers, waiters and error objects.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { eventually, require, settings, startCloud, trustsLambda, zipOf } from './cloud.mjs';

process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = '1';
const AWS = require('aws-sdk');

let cloud;
before(async () => { cloud = await startCloud(); });
after(async () => assert.equal(await cloud.stop(), 0));

async function newAccount() {
  const id = cloud.account();
  const options = { ...settings(cloud, id), maxRetries: 0 };
  const account = { id, lambda: new AWS.Lambda(options), iam: new AWS.IAM(options), sts: new AWS.STS(options), logs: new AWS.CloudWatchLogs(options) };
  account.role = (await account.iam.createRole({ RoleName: 'r', AssumeRolePolicyDocument: trustsLambda }).promise()).Role.Arn;
  return account;
}

async function createFunction(account, name, source) {
  await account.lambda.createFunction({
    FunctionName: name, Runtime: 'nodejs20.x', Handler: 'index.handler', Role: account.role, Timeout: 10,
    Code: { ZipFile: zipOf({ 'index.js': source }) },
  }).promise();
  await account.lambda.waitFor('functionActiveV2', { FunctionName: name, $waiter: { delay: 1 } }).promise();
}

test('a function from create to delete', async () => {
  const account = await newAccount();
  await createFunction(account, 'f', "exports.handler = async (event) => { console.log('said'); return event; };");
  const answer = await account.lambda.invoke({ FunctionName: 'f', Payload: '{"a":1}', LogType: 'Tail' }).promise();
  assert.deepEqual([answer.StatusCode, answer.Payload, answer.ExecutedVersion], [200, '{"a":1}', '$LATEST']);
  assert.match(Buffer.from(answer.LogResult, 'base64').toString(), /said/);
  await account.lambda.updateFunctionCode({ FunctionName: 'f', ZipFile: zipOf({ 'index.js': "exports.handler = async () => { throw new Error('now'); };" }) }).promise();
  await account.lambda.waitFor('functionUpdatedV2', { FunctionName: 'f', $waiter: { delay: 1 } }).promise();
  const failed = await account.lambda.invoke({ FunctionName: 'f' }).promise();
  assert.equal(failed.FunctionError, 'Unhandled');
  assert.equal(JSON.parse(failed.Payload).errorMessage, 'now');
  assert.deepEqual((await account.lambda.listFunctions().promise()).Functions.map((each) => each.FunctionName), ['f']);
  await account.lambda.deleteFunction({ FunctionName: 'f' }).promise();
  await assert.rejects(account.lambda.getFunction({ FunctionName: 'f' }).promise(), (error) => {
    assert.deepEqual([error.code, error.statusCode], ['ResourceNotFoundException', 404]);
    assert.match(error.requestId, /^[0-9a-f-]{36}$/);
    return true;
  });
});

test('versions, aliases, URL, tags', async () => {
  const account = await newAccount();
  await createFunction(account, 'f', 'exports.handler = async (event, context) => context.functionVersion;');
  assert.equal((await account.lambda.publishVersion({ FunctionName: 'f' }).promise()).Version, '1');
  await account.lambda.createAlias({ FunctionName: 'f', Name: 'live', FunctionVersion: '1' }).promise();
  assert.equal((await account.lambda.invoke({ FunctionName: 'f', Qualifier: 'live' }).promise()).Payload, '"1"');
  const { FunctionUrl } = await account.lambda.createFunctionUrlConfig({ FunctionName: 'f', AuthType: 'NONE' }).promise();
  assert.match(FunctionUrl, /lambda-url/);
  const arn = `arn:aws:lambda:us-east-1:${account.id}:function:f`;
  await account.lambda.tagResource({ Resource: arn, Tags: { k: 'v' } }).promise();
  assert.deepEqual((await account.lambda.listTags({ Resource: arn }).promise()).Tags, { k: 'v' });
});

test('roles, identities, logs', async () => {
  const account = await newAccount();
  assert.equal((await account.sts.getCallerIdentity().promise()).Account, account.id);
  assert.equal((await account.iam.listRoles().promise()).Roles.length, 1);
  await assert.rejects(account.iam.getRole({ RoleName: 'absent' }).promise(), { code: 'NoSuchEntity', statusCode: 404 });
  const names = { logGroupName: 'g', logStreamName: 's' };
  await account.logs.createLogGroup({ logGroupName: 'g' }).promise();
  await account.logs.createLogStream(names).promise();
  await account.logs.putLogEvents({ ...names, logEvents: [{ timestamp: Date.now(), message: 'written by v2' }] }).promise();
  const events = await eventually(async () => {
    const found = (await account.logs.getLogEvents({ ...names, startFromHead: true }).promise()).events;
    return found.length && found;
  });
  assert.equal(events[0].message, 'written by v2');
});

test('what is not there is named', async () => {
  const account = await newAccount();
  await assert.rejects(account.lambda.listCodeSigningConfigs().promise(), (error) => {
    assert.deepEqual([error.code, error.statusCode], ['NotImplemented', 501]);
    assert.match(error.message, /ListCodeSigningConfigs/);
    return true;
  });
});
