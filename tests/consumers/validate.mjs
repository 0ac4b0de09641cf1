// Holds messages against MCP's schemas: node validate.mjs FOLDER; each line of standard input is
// {"version": …, "definition": …, "message": …}. Prints what is wrong, a line each.
import { readFileSync } from 'node:fs';
import Ajv2020 from 'ajv/dist/2020.js';
import Ajv from 'ajv';

const folder = process.argv[2];
const known = new Map();
for (const line of readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
  const { version, definition, message } = JSON.parse(line);
  const schema = JSON.parse(readFileSync(`${folder}/${version}.json`, 'utf8'));
  const name = '$defs' in schema ? '$defs' : 'definitions';
  if (!known.has(version)) {
    const options = { strict: false, validateFormats: false };
    const ajv = name === '$defs' ? new Ajv2020(options) : new Ajv(options);
    ajv.addSchema(schema, version);
    known.set(version, ajv);
  }
  const validate = known.get(version).getSchema(`${version}#/${name}/${definition}`);
  if (!validate) console.log(`${version} has no ${definition}`);
  else if (!validate(message)) console.log(`${version} ${definition}: ${JSON.stringify(validate.errors)} in ${JSON.stringify(message)}`);
  else console.log('valid');
}
