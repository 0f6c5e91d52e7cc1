// Users over HTTP in one function, kept in memory for as long as the worker lives.
// Understands both event shapes: `httpMethod`/`path` (REST APIs) and payload format 2.0 (function URLs, HTTP APIs).

'use strict';

const { randomUUID } = require('node:crypto');

const users = new Map();

class BadRequest extends Error {}

exports.handler = async (event) => {
  const request = read(event);
  try {
    return route(request);
  } catch (error) {
    if (error instanceof BadRequest) return answer(400, { message: error.message });
    throw error;
  }
};

function route({ method, segments, body }) {
  const [collection, id, ...rest] = segments;
  if (collection !== 'users' || rest.length > 0) return answer(404, { message: 'Not Found' });
  if (id === undefined) {
    if (method === 'GET') return answer(200, [...users.values()]);
    if (method === 'POST') return create(userIn(body));
    return answer(405, { message: 'Method Not Allowed' });
  }
  if (!users.has(id)) return answer(404, { message: `there is no user ${id}` });
  if (method === 'GET') return answer(200, users.get(id));
  if (method === 'PUT') return replace(id, userIn(body));
  if (method === 'DELETE') return remove(id);
  return answer(405, { message: 'Method Not Allowed' });
}

function create(fields) {
  const user = { ...fields, id: randomUUID() };
  users.set(user.id, user);
  return answer(201, user);
}

function replace(id, fields) {
  const user = { ...fields, id };
  users.set(id, user);
  return answer(200, user);
}

function remove(id) {
  users.delete(id);
  return { statusCode: 204, headers: {}, body: '' };
}

// The same request, whichever shape it came in.
function read(event) {
  const method = event.httpMethod ?? event.requestContext?.http?.method ?? 'GET';
  const path = event.path ?? event.rawPath ?? '/';
  const body = event.isBase64Encoded ? Buffer.from(event.body, 'base64').toString() : event.body;
  return { method, segments: path.split('/').filter(Boolean), body };
}

function userIn(body) {
  let user;
  try {
    user = JSON.parse(body ?? '');
  } catch {
    throw new BadRequest('the body is not JSON');
  }
  if (typeof user?.name !== 'string' || user.name === '') throw new BadRequest('a user needs a name');
  return user;
}

function answer(statusCode, value) {
  return { statusCode, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value) };
}
