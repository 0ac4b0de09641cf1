#!/usr/bin/env node
// Starts the program on Windows, and where npm runs no install scripts.
'use strict';

const { spawn } = require('child_process');
const { constants } = require('os');

let file;
try {
  file = require('../program.js').program();
} catch (error) {
  console.error(`ghtok: error: ${error.message}`);
  process.exit(1);
}
const given = process.argv.slice(2);

// Node 22.15 and newer can replace itself, so that no node process stays in between.
if (process.platform !== 'win32' && process.execve) {
  process.execve(file, ['ghtok', ...given], process.env);
}

const child = spawn(file, given, { stdio: 'inherit' });
// The terminal sends Ctrl-C to both; the program decides what it means.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) {
  process.on(signal, () => child.kill(signal));
}
child.on('error', (error) => {
  console.error(`ghtok: error: cannot run ${file}: ${error.message}`);
  process.exit(1);
});
child.on('exit', (code, signal) => {
  process.exit(signal ? 128 + constants.signals[signal] : code);
});
