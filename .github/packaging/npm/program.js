// Where the platform's package put the program.
'use strict';

const file = process.platform === 'win32' ? 'ghtok.exe' : 'ghtok';

exports.program = () => {
  const name = `ghtok-${process.platform}-${process.arch}`;
  try {
    return require.resolve(`${name}/bin/${file}`);
  } catch {
    throw new Error(
      `the package ${name} is not installed. Install ghtok without --omit=optional; ` +
        'if there is no such package, build ghtok with cargo',
    );
  }
};
