// A real MCP client: node drive.mjs KIND TOOL ARGUMENTS COMMAND…; what happens is a JSON line each.
import { readFileSync } from 'node:fs';

const [kind, tool, args, command, ...rest] = process.argv.slice(2);
const say = (event) => console.log(JSON.stringify(event));
const transport = { command, args: rest, env: process.env, stderr: 'inherit' };
const info = { name: 'drive', version: '1' };
const dialogs = { url: { url: {} }, form: { form: {} }, auto: { form: {}, url: {} } };
const capabilities = dialogs[kind] ? { elicitation: dialogs[kind] } : {};
const asked = async (request) => {
  say({ asked: request.params.mode ?? 'form', message: request.params.message });
  return { action: 'accept', ...(request.params.mode === 'url' ? {} : { content: {} }) };
};

let client;
if (kind === 'auto') {
  const { Client } = await import('@modelcontextprotocol/client');
  const { StdioClientTransport } = await import('@modelcontextprotocol/client/stdio');
  client = new Client(info, { capabilities, versionNegotiation: { mode: 'auto' } });
  client.setRequestHandler('elicitation/create', asked);
  await client.connect(new StdioClientTransport(transport));
} else {
  const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
  const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js');
  const { ElicitRequestSchema } = await import('@modelcontextprotocol/sdk/types.js');
  client = new Client(info, { capabilities });
  if (capabilities.elicitation) client.setRequestHandler(ElicitRequestSchema, asked);
  await client.connect(new StdioClientTransport(transport));
}
say({ tools: (await client.listTools()).tools.length });
// Each line of standard input is one more call.
for (const line of readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
  if (line.startsWith('wait')) await new Promise((done) => setTimeout(done, Number(line.slice(4))));
  try {
    const result = await client.callTool({ name: tool, arguments: JSON.parse(args) });
    say({ failed: result.isError === true, text: result.content.map((part) => part.text).join('\n') });
  } catch (error) {
    say({ failed: true, text: String(error.message) });
  }
}
await client.close();
