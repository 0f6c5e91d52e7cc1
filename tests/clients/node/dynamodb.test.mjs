// DynamoDB through the JavaScript SDKs, v3 and v2, their document clients, and two mappers over v3.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { require, settings, startCloud } from './cloud.mjs';

const D = require('@aws-sdk/client-dynamodb');
const { DynamoDBDocumentClient, ...C } = require('@aws-sdk/lib-dynamodb');
const AWS = require('aws-sdk');
const { Entity, Service } = require('electrodb');
const toolbox = require('dynamodb-toolbox');

let cloud;
before(async () => { cloud = await startCloud(); });
after(async () => assert.equal(await cloud.stop(), 0));

async function withTable() {
  const account = cloud.account();
  const client = new D.DynamoDBClient(settings(cloud, account));
  await client.send(new D.CreateTableCommand({
    TableName: 'things', BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: ['pk', 'sk', 'gsi1pk', 'gsi1sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }, { AttributeName: 'sk', KeyType: 'RANGE' }],
    GlobalSecondaryIndexes: [{
      IndexName: 'gsi1', Projection: { ProjectionType: 'ALL' },
      KeySchema: [{ AttributeName: 'gsi1pk', KeyType: 'HASH' }, { AttributeName: 'gsi1sk', KeyType: 'RANGE' }],
    }],
  }));
  await D.waitUntilTableExists({ client, maxWaitTime: 20, minDelay: 1 }, { TableName: 'things' });
  return { account, client };
}

test('the document client of v3', async () => {
  const { client } = await withTable();
  const db = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
  const item = { pk: 'a', sk: '1', list: [1, 'x', { deep: [null, true] }], set: new Set(['p', 'q']), bytes: new Uint8Array([0, 255]), n: 1.5 };
  await db.send(new C.PutCommand({ TableName: 'things', Item: item }));
  const { Item } = await db.send(new C.GetCommand({ TableName: 'things', Key: { pk: 'a', sk: '1' } }));
  assert.deepEqual(Item, item);
  const updated = await db.send(new C.UpdateCommand({
    TableName: 'things', Key: { pk: 'a', sk: '1' }, UpdateExpression: 'SET #l[1] = :v ADD n :n', ReturnValues: 'UPDATED_NEW',
    ExpressionAttributeNames: { '#l': 'list' }, ExpressionAttributeValues: { ':v': 'y', ':n': 2 },
  }));
  assert.equal(updated.Attributes.n, 3.5);
  await assert.rejects(
    db.send(new C.PutCommand({ TableName: 'things', Item: { pk: 'a', sk: '1' }, ConditionExpression: 'attribute_not_exists(pk)' })),
    D.ConditionalCheckFailedException,
  );
  await db.send(new C.BatchWriteCommand({ RequestItems: { things: [...Array(20).keys()].map((n) => ({ PutRequest: { Item: { pk: 'b', sk: `s${n}`, n } } })) } }));
  const pages = C.paginateQuery({ client: db, pageSize: 7 }, { TableName: 'things', KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': 'b' } });
  let count = 0;
  for await (const page of pages) count += page.Count;
  assert.equal(count, 20);
  await assert.rejects(
    db.send(new C.TransactWriteCommand({ TransactItems: [
      { Put: { TableName: 'things', Item: { pk: 't', sk: '1' } } },
      { ConditionCheck: { TableName: 'things', Key: { pk: 'none', sk: '1' }, ConditionExpression: 'attribute_exists(pk)' } },
    ] })),
    (error) => error instanceof D.TransactionCanceledException && error.CancellationReasons[1].Code === 'ConditionalCheckFailed',
  );
  const selected = await db.send(new C.ExecuteStatementCommand({ Statement: 'SELECT n FROM things WHERE pk = ? AND sk = ?', Parameters: ['b', 's3'] }));
  assert.deepEqual(selected.Items, [{ n: 3 }]);
});

test('the document client of v2', async () => {
  const { account } = await withTable();
  const db = new AWS.DynamoDB.DocumentClient({ endpoint: cloud.endpoint, region: 'us-east-1', accessKeyId: account, secretAccessKey: 'secret', maxRetries: 0 });
  await db.put({ TableName: 'things', Item: { pk: 'a', sk: '1', set: db.createSet(['x']), n: 7 } }).promise();
  const { Item } = await db.get({ TableName: 'things', Key: { pk: 'a', sk: '1' } }).promise();
  assert.deepEqual([Item.n, Item.set.values], [7, ['x']]);
  const found = await db.query({ TableName: 'things', KeyConditionExpression: 'pk = :p AND begins_with(sk, :s)', ExpressionAttributeValues: { ':p': 'a', ':s': '1' } }).promise();
  assert.equal(found.Count, 1);
  await assert.rejects(db.get({ TableName: 'things', Key: { pk: 'a' } }).promise(), /The provided key element does not match the schema/);
});

test('the streams client of v2', async () => {
  const options = { endpoint: cloud.endpoint, region: 'us-east-1', accessKeyId: cloud.account(), secretAccessKey: 'secret', maxRetries: 0 };
  const db = new AWS.DynamoDB(options);
  const streams = new AWS.DynamoDBStreams(options);
  const created = await db.createTable({
    TableName: 'things', BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
  }).promise();
  await db.waitFor('tableExists', { TableName: 'things', $waiter: { delay: 1, maxAttempts: 20 } }).promise();
  const StreamArn = created.TableDescription.LatestStreamArn;
  assert.deepEqual((await streams.listStreams({ TableName: 'things' }).promise()).Streams.map((found) => found.StreamArn), [StreamArn]);
  const document = new AWS.DynamoDB.DocumentClient({ service: db });
  await document.put({ TableName: 'things', Item: { pk: 'a', n: 1 } }).promise();
  await document.put({ TableName: 'things', Item: { pk: 'a', n: 1 } }).promise(); // Changes nothing.
  await document.put({ TableName: 'things', Item: { pk: 'a', n: 2 } }).promise();
  await document.delete({ TableName: 'things', Key: { pk: 'a' } }).promise();
  const { StreamDescription: { Shards: [{ ShardId }] } } = await streams.describeStream({ StreamArn }).promise();
  let { ShardIterator } = await streams.getShardIterator({ StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' }).promise();
  const records = [];
  while (records.length < 3) {
    const page = await streams.getRecords({ ShardIterator, Limit: 2 }).promise();
    records.push(...page.Records);
    ShardIterator = page.NextShardIterator;
  }
  const { unmarshall } = AWS.DynamoDB.Converter;
  const told = records.map(({ eventName, dynamodb }) => [
    eventName, dynamodb.OldImage && unmarshall(dynamodb.OldImage).n, dynamodb.NewImage && unmarshall(dynamodb.NewImage).n,
  ]);
  assert.deepEqual(told, [['INSERT', undefined, 1], ['MODIFY', 1, 2], ['REMOVE', 2, undefined]]);
  const after = await streams.getShardIterator({
    StreamArn, ShardId, ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: records[1].dynamodb.SequenceNumber,
  }).promise();
  const rest = await streams.getRecords({ ShardIterator: after.ShardIterator }).promise();
  assert.deepEqual(rest.Records.map((record) => record.eventName), ['REMOVE']);
});

test('ElectroDB: entities, collections, conditions', async () => {
  const { client } = await withTable();
  const options = { client, table: 'things' };
  const entity = (name) => new Entity({
    model: { entity: name, service: 'shop', version: '1' },
    attributes: {
      id: { type: 'string', required: true }, owner: { type: 'string', required: true },
      price: { type: 'number', default: 0 }, labels: { type: 'set', items: 'string' },
    },
    indexes: {
      primary: { pk: { field: 'pk', composite: ['id'] }, sk: { field: 'sk', composite: [] } },
      owned: { collection: 'owned', index: 'gsi1', pk: { field: 'gsi1pk', composite: ['owner'] }, sk: { field: 'gsi1sk', composite: ['id'] } },
    },
  }, options);
  const [orders, carts] = [entity('order'), entity('cart')];
  await orders.put([...Array(30).keys()].map((n) => ({ id: `o${n}`, owner: 'me', price: n, labels: ['a'] }))).go();
  await carts.create({ id: 'c', owner: 'me' }).go();
  await assert.rejects(carts.create({ id: 'c', owner: 'me' }).go(), /conditional request failed/);
  await orders.update({ id: 'o1' }).add({ price: 5, labels: ['b'] }).where(({ price }, { lt }) => lt(price, 10)).go();
  const { data } = await orders.get({ id: 'o1' }).go();
  assert.deepEqual([data.price, data.labels], [6, ['a', 'b']]);
  const shop = new Service({ orders, carts }, options);
  const owned = await shop.collections.owned({ owner: 'me' }).go({ pages: 'all' });
  assert.deepEqual([owned.data.orders.length, owned.data.carts.length], [30, 1]);
  const dear = await orders.query.owned({ owner: 'me' }).where(({ price }, { gte }) => gte(price, 28)).go();
  assert.deepEqual(dear.data.map((order) => order.id).sort(), ['o28', 'o29']);
});

test('dynamodb-toolbox: puts, updates and queries', async () => {
  const { client } = await withTable();
  const table = new toolbox.Table({
    name: 'things', documentClient: DynamoDBDocumentClient.from(client),
    partitionKey: { name: 'pk', type: 'string' }, sortKey: { name: 'sk', type: 'string' },
  });
  const pokemon = new toolbox.Entity({
    name: 'Pokemon', table,
    schema: toolbox.item({ pk: toolbox.string().key(), sk: toolbox.string().key(), level: toolbox.number(), types: toolbox.list(toolbox.string()).optional() }),
  });
  for (const level of [1, 2, 3]) {
    await pokemon.build(toolbox.PutItemCommand).item({ pk: 'p', sk: `l${level}`, level, types: ['fire'] }).send();
  }
  await pokemon.build(toolbox.UpdateItemCommand).item({ pk: 'p', sk: 'l1', level: toolbox.$add(10), types: toolbox.$append(['air']) }).send();
  const { Item } = await pokemon.build(toolbox.GetItemCommand).key({ pk: 'p', sk: 'l1' }).send();
  assert.deepEqual([Item.level, Item.types], [11, ['fire', 'air']]);
  const { Items } = await table.build(toolbox.QueryCommand).query({ partition: 'p', range: { gte: 'l2' } }).entities(pokemon).send();
  assert.deepEqual(Items.map((one) => one.level), [2, 3]);
});
