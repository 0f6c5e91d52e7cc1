// aws-sdk-js v3 against the binary: commands, waiters, paginators, event streams, error classes.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { eventually, require, settings, startCloud, trustsLambda, zipOf } from './cloud.mjs';

const L = require('@aws-sdk/client-lambda');
const { IAMClient, CreateRoleCommand, GetRoleCommand, paginateListRoles } = require('@aws-sdk/client-iam');
const { STSClient, AssumeRoleCommand, GetCallerIdentityCommand } = require('@aws-sdk/client-sts');
const { CloudWatchLogsClient, FilterLogEventsCommand, DescribeLogStreamsCommand } = require('@aws-sdk/client-cloudwatch-logs');

let cloud;
before(async () => { cloud = await startCloud(); });
after(async () => assert.equal(await cloud.stop(), 0));

async function newAccount() {
  const id = cloud.account();
  const options = settings(cloud, id);
  const account = { id, lambda: new L.LambdaClient(options), iam: new IAMClient(options), sts: new STSClient(options), logs: new CloudWatchLogsClient(options) };
  const created = await account.iam.send(new CreateRoleCommand({ RoleName: 'r', AssumeRolePolicyDocument: trustsLambda }));
  account.role = created.Role.Arn;
  return account;
}

async function createFunction(account, name, source, more = {}) {
  const created = await account.lambda.send(new L.CreateFunctionCommand({
    FunctionName: name, Runtime: 'nodejs20.x', Handler: 'index.handler', Role: account.role, Timeout: 10,
    Code: { ZipFile: zipOf({ 'index.js': source }) }, ...more,
  }));
  await L.waitUntilFunctionActiveV2({ client: account.lambda, maxWaitTime: 20, minDelay: 1 }, { FunctionName: name });
  return created;
}

async function invoke(account, name, event, more = {}) {
  const answer = await account.lambda.send(new L.InvokeCommand({ FunctionName: name, Payload: JSON.stringify(event), ...more }));
  return { ...answer, value: answer.Payload?.length ? JSON.parse(Buffer.from(answer.Payload)) : undefined };
}

test('a function from create to delete', async () => {
  const account = await newAccount();
  const created = await createFunction(account, 'f', 'exports.handler = async (event) => ({ event, text: process.env.TEXT });');
  assert.equal(created.FunctionArn, `arn:aws:lambda:us-east-1:${account.id}:function:f`);
  assert.deepEqual((await invoke(account, 'f', { a: 1 })).value, { event: { a: 1 } });
  await account.lambda.send(new L.UpdateFunctionConfigurationCommand({ FunctionName: 'f', Environment: { Variables: { TEXT: 'set' } } }));
  await L.waitUntilFunctionUpdatedV2({ client: account.lambda, maxWaitTime: 20, minDelay: 1 }, { FunctionName: 'f' });
  assert.equal((await invoke(account, 'f', {})).value.text, 'set');
  const { Code } = await account.lambda.send(new L.GetFunctionCommand({ FunctionName: 'f' }));
  const download = await fetch(Code.Location);
  assert.equal(Buffer.from(await download.arrayBuffer()).subarray(0, 2).toString(), 'PK');
  await account.lambda.send(new L.DeleteFunctionCommand({ FunctionName: 'f' }));
  await assert.rejects(account.lambda.send(new L.GetFunctionCommand({ FunctionName: 'f' })), (error) => {
    assert(error instanceof L.ResourceNotFoundException);
    assert.equal(error.$metadata.httpStatusCode, 404);
    assert.equal(error.message, `Function not found: ${created.FunctionArn}`);
    return true;
  });
});

test('functions are listed in pages', async () => {
  const account = await newAccount();
  for (const name of ['a', 'b', 'c']) await createFunction(account, name, 'exports.handler = async () => 1;');
  const names = [];
  let pages = 0;
  for await (const page of L.paginateListFunctions({ client: account.lambda, pageSize: 2 }, {})) {
    pages += 1;
    names.push(...page.Functions.map((each) => each.FunctionName));
  }
  assert.deepEqual([pages, names.sort()], [2, ['a', 'b', 'c']]);
});

test('invoke: log tail, dry run, client context, function error', async () => {
  const account = await newAccount();
  await createFunction(account, 'f', `exports.handler = async (event, context) => {
    if (event.fail) throw new TypeError('broken');
    console.log('a line');
    return context.clientContext ?? null;
  };`);
  const tail = await invoke(account, 'f', {}, { LogType: 'Tail' });
  assert.match(Buffer.from(tail.LogResult, 'base64').toString(), /START RequestId[^]*a line[^]*END RequestId[^]*REPORT RequestId/);
  assert.equal((await invoke(account, 'f', {}, { InvocationType: 'DryRun' })).StatusCode, 204);
  const context = { custom: { key: 'value' } };
  const encoded = Buffer.from(JSON.stringify(context)).toString('base64');
  assert.deepEqual((await invoke(account, 'f', {}, { ClientContext: encoded })).value, context);
  const failed = await invoke(account, 'f', { fail: true });
  assert.equal(failed.FunctionError, 'Unhandled');
  assert.deepEqual([failed.value.errorType, failed.value.errorMessage], ['TypeError', 'broken']);
});

test('a response stream is an async iterable', async () => {
  const account = await newAccount();
  await createFunction(account, 'f', `exports.handler = awslambda.streamifyResponse(async (event, stream) => {
    for (let i = 0; i < 5; i++) { stream.write('part ' + i + ';'); await new Promise((r) => setTimeout(r, 5)); }
    stream.end();
  });`);
  const answer = await account.lambda.send(new L.InvokeWithResponseStreamCommand({ FunctionName: 'f', Payload: '{}' }));
  let text = '';
  let complete;
  for await (const event of answer.EventStream) {
    if (event.PayloadChunk) text += Buffer.from(event.PayloadChunk.Payload);
    if (event.InvokeComplete) complete = event.InvokeComplete;
  }
  assert.equal(text, 'part 0;part 1;part 2;part 3;part 4;');
  assert.equal(complete.ErrorCode, undefined);
});

test('versions, aliases, policy, URL, concurrency, tags, layers, settings', async () => {
  const account = await newAccount();
  const send = (command) => account.lambda.send(command);
  const layer = await send(new L.PublishLayerVersionCommand({ LayerName: 'l', Content: { ZipFile: zipOf({ 'text.txt': 'layered' }) } }));
  await createFunction(account, 'f', `exports.handler = async (event, context) =>
    context.functionVersion + ' ' + require('fs').readFileSync('/opt/text.txt', 'utf8');`, { Layers: [layer.LayerVersionArn], Tags: { a: 'b' } });
  assert.equal((await send(new L.PublishVersionCommand({ FunctionName: 'f' }))).Version, '1');
  await send(new L.CreateAliasCommand({ FunctionName: 'f', Name: 'live', FunctionVersion: '1', RoutingConfig: { AdditionalVersionWeights: {} } }));
  assert.equal((await invoke(account, 'f', {}, { Qualifier: 'live' })).value, '1 layered');
  assert.equal((await send(new L.ListVersionsByFunctionCommand({ FunctionName: 'f' }))).Versions.length, 2);
  await send(new L.AddPermissionCommand({ FunctionName: 'f', StatementId: 's', Action: 'lambda:InvokeFunction', Principal: 's3.amazonaws.com' }));
  assert.equal(JSON.parse((await send(new L.GetPolicyCommand({ FunctionName: 'f' }))).Policy).Statement[0].Sid, 's');
  const url = await send(new L.CreateFunctionUrlConfigCommand({ FunctionName: 'f', AuthType: 'NONE' }));
  assert.match(url.FunctionUrl, /lambda-url/);
  await send(new L.PutFunctionConcurrencyCommand({ FunctionName: 'f', ReservedConcurrentExecutions: 0 }));
  await assert.rejects(invoke(account, 'f', {}), (error) => {
    assert(error instanceof L.TooManyRequestsException);
    assert.equal(error.Reason, 'ReservedFunctionConcurrentInvocationLimitExceeded');
    assert.equal(error.$metadata.httpStatusCode, 429);
    return true;
  });
  const arn = `arn:aws:lambda:us-east-1:${account.id}:function:f`;
  assert.deepEqual((await send(new L.ListTagsCommand({ Resource: arn }))).Tags, { a: 'b' });
  assert.equal((await send(new L.GetAccountSettingsCommand({}))).AccountUsage.FunctionCount, 1);
});

test('logs of a function', async () => {
  const account = await newAccount();
  await createFunction(account, 'f', "exports.handler = async () => console.log(JSON.stringify({ level: 'info', n: 7 }));");
  await invoke(account, 'f', {});
  const logGroupName = '/aws/lambda/f';
  const events = await eventually(async () => {
    const found = await account.logs.send(new FilterLogEventsCommand({ logGroupName, filterPattern: 'REPORT' }));
    return found.events.length && found.events;
  });
  assert.match(events[0].message, /^REPORT RequestId: /);
  const streams = await account.logs.send(new DescribeLogStreamsCommand({ logGroupName, orderBy: 'LastEventTime', descending: true }));
  assert.equal(streams.logStreams.length, 1);
});

test('roles and identities', async () => {
  const account = await newAccount();
  const { Role } = await account.iam.send(new GetRoleCommand({ RoleName: 'r' }));
  assert.deepEqual(JSON.parse(decodeURIComponent(Role.AssumeRolePolicyDocument)), JSON.parse(trustsLambda));
  await assert.rejects(account.iam.send(new GetRoleCommand({ RoleName: 'absent' })), { name: /NoSuchEntity/ });
  const roles = [];
  for await (const page of paginateListRoles({ client: account.iam }, {})) roles.push(...page.Roles);
  assert.equal(roles.length, 1);
  const { Credentials } = await account.sts.send(new AssumeRoleCommand({ RoleArn: account.role, RoleSessionName: 'session' }));
  const assumed = new STSClient({
    ...settings(cloud, account.id),
    credentials: { accessKeyId: Credentials.AccessKeyId, secretAccessKey: Credentials.SecretAccessKey, sessionToken: Credentials.SessionToken },
  });
  assert.equal((await assumed.send(new GetCallerIdentityCommand({}))).Arn, `arn:aws:sts::${account.id}:assumed-role/r/session`);
});

test('what is wrong or not there is said', async () => {
  const account = await newAccount();
  await assert.rejects(account.lambda.send(new L.GetFunctionCommand({ FunctionName: 'bad name' })), { name: 'ValidationException' });
  await assert.rejects(account.lambda.send(new L.ListCodeSigningConfigsCommand({})), (error) => {
    assert.equal(error.name, 'NotImplemented');
    assert.equal(error.$metadata.httpStatusCode, 501);
    assert.match(error.message, /ListCodeSigningConfigs/);
    return true;
  });
});
