// Loads modules of the platform before there is a function, so that the function finds them loaded.
'use strict';

const path = require('node:path');
const { pathToFileURL } = require('node:url');

/** `how` is `import`, which serves `require` too, or `require`. */
async function preload(folder, how, names) {
  for (const name of names.split(',')) {
    try {
      const file = require.resolve(path.join(folder, name));
      if (how === 'import') await import(pathToFileURL(file).href);
      else require(file);
    } catch {
      // A function that needs the module meets the same error, where it can be reported.
    }
  }
}

module.exports = { preload };
