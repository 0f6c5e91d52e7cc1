// From the text of the handler setting to the function it names.
'use strict';

const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const errors = require('./errors.cjs');

/** Splits `dir/file.object.method` into its folder, module and the path to the function. */
function parse(handler) {
  if (handler.includes('..')) {
    throw new errors.MalformedHandlerName(
      `'..' is not valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  }
  const base = path.basename(handler);
  const folder = handler.slice(0, handler.lastIndexOf(base));
  const match = /^([^.]*)\.(.*)$/.exec(base);
  if (match === null || match[1] === '' || match[2] === '') throw new errors.MalformedHandlerName('Bad handler');
  return { folder, module: match[1], names: match[2].split('.') };
}

function isFile(name) {
  try {
    return fs.statSync(name).isFile();
  } catch {
    return false;
  }
}

/** Whether the nearest package.json up to the code root says that .js files are ES modules. */
function isModuleScope(file, root) {
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const manifest = path.join(folder, 'package.json');
    if (isFile(manifest)) {
      try {
        return JSON.parse(fs.readFileSync(manifest, 'utf8')).type === 'module';
      } catch {
        return false;
      }
    }
    if (folder === root || folder === path.dirname(folder)) return false;
  }
}

/** Import statements ignore NODE_PATH; this gives them the same folders, after their own search failed. */
function addImportFolders(folders) {
  const parents = folders.map((folder) => pathToFileURL(path.join(path.dirname(folder), 'noop.js')).href);
  const source = `
    const parents = ${JSON.stringify(parents)};
    export async function resolve(specifier, context, next) {
      try {
        return await next(specifier, context);
      } catch (error) {
        if (error.code !== 'ERR_MODULE_NOT_FOUND' || /^([./]|[a-z]+:)/.test(specifier)) throw error;
        for (const parentURL of parents) {
          try {
            return await next(specifier, { ...context, parentURL });
          } catch {}
        }
        throw error;
      }
    }`;
  if (typeof Module.register === 'function') {
    Module.register(`data:text/javascript,${encodeURIComponent(source)}`);
  }
}

async function importFile(file, importFolders) {
  if (importFolders.length > 0) addImportFolders(importFolders);
  return import(pathToFileURL(file).href);
}

async function loadModule(root, folder, name, importFolders) {
  const file = path.resolve(root, folder, name);
  if (isFile(file)) return require(file);
  if (isFile(`${file}.js`)) {
    return isModuleScope(`${file}.js`, root) ? importFile(`${file}.js`, importFolders) : require(`${file}.js`);
  }
  if (isFile(`${file}.mjs`)) return importFile(`${file}.mjs`, importFolders);
  if (isFile(`${file}.cjs`)) return require(`${file}.cjs`);
  return require(require.resolve(name, { paths: [root, path.join(root, folder)] }));
}

/** The function that `handler` names, or one of the `Runtime.*` errors, or what the module itself threw. */
async function load(root, handler, importFolders) {
  const { folder, module: name, names } = parse(handler);
  let value;
  try {
    value = await loadModule(root, folder, name, importFolders);
  } catch (error) {
    if (error instanceof SyntaxError) throw new errors.UserCodeSyntaxError(error);
    if (error?.code === 'MODULE_NOT_FOUND') throw new errors.ImportModuleError(error);
    throw error;
  }
  let owner;
  for (const part of names) {
    owner = value;
    value = value?.[part];
  }
  if (value === undefined && owner === undefined) owner = null;
  if (value === undefined || value === null) {
    throw new errors.HandlerNotFound(`${handler} is undefined or not exported`);
  }
  if (typeof value !== 'function') throw new errors.HandlerNotFound(`${handler} is not a function`);
  return value;
}

module.exports = { load };
