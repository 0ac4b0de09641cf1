// Puts the program in the place of the launcher. Where that cannot be done, the launcher stays.
'use strict';

const fs = require('fs');
const path = require('path');
const { program } = require('./program.js');

// On Windows npm's own start script expects a script of node.
if (process.platform !== 'win32') {
  const launcher = path.join(__dirname, 'bin', 'ghtok');
  const next = `${launcher}.new`;
  try {
    const source = program();
    fs.rmSync(next, { force: true });
    try {
      fs.linkSync(source, next);
    } catch {
      fs.copyFileSync(source, next);
    }
    fs.chmodSync(next, 0o755);
    fs.renameSync(next, launcher);
  } catch (error) {
    console.error(`ghtok: the launcher stays in place: ${error.message}`);
  }
}
