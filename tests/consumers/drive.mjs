// A real MCP client: node drive.mjs KIND COMMAND…; each line of standard input is something to do, as JSON,
// and what happens is a JSON line each.
import { createInterface } from 'node:readline';

const [kind, command, ...rest] = process.argv.slice(2);
const say = (event) => console.log(JSON.stringify(event));
const transport = { command, args: rest, env: process.env, stderr: 'inherit' };
const info = { name: 'drive', version: '1' };
const dialogs = { url: { url: {} }, form: { form: {} }, none: undefined };
const elicitation = kind in dialogs ? dialogs[kind] : { form: {}, url: {} };
const capabilities = { sampling: {}, roots: { listChanged: true }, ...(elicitation && { elicitation }) };
const asked = async ({ params }) => {
  say({ asked: params.mode ?? 'form', message: params.message });
  const fields = params.requestedSchema?.properties ?? {};
  const content = { ...(fields.name && { name: 'Ann' }), ...(fields.entered && { entered: true }) };
  // Nobody is faster.
  await new Promise((done) => setTimeout(done, 500));
  return { action: 'accept', ...(params.mode === 'url' ? {} : { content }) };
};
const sampled = async () => {
  say({ sampled: true });
  return { role: 'assistant', content: { type: 'text', text: 'hm' }, model: 'none' };
};
const rooted = async () => {
  say({ rooted: true });
  return { roots: [{ uri: 'file:///tmp/root', name: 'root' }] };
};
const news = (notification) => say({ news: notification.method, params: notification.params });

let client;
const legacy = kind !== 'auto' && kind !== 'pinned';
if (!legacy) {
  const { Client } = await import('@modelcontextprotocol/client');
  const { StdioClientTransport } = await import('@modelcontextprotocol/client/stdio');
  const mode = kind === 'auto' ? 'auto' : { pin: '2026-07-28' };
  client = new Client(info, { capabilities, versionNegotiation: { mode } });
  client.setRequestHandler('elicitation/create', asked);
  client.setRequestHandler('sampling/createMessage', sampled);
  client.setRequestHandler('roots/list', rooted);
  client.fallbackNotificationHandler = news;
  await client.connect(new StdioClientTransport(transport));
} else {
  const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
  const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js');
  const types = await import('@modelcontextprotocol/sdk/types.js');
  client = new Client(info, { capabilities });
  if (elicitation) client.setRequestHandler(types.ElicitRequestSchema, asked);
  client.setRequestHandler(types.CreateMessageRequestSchema, sampled);
  client.setRequestHandler(types.ListRootsRequestSchema, rooted);
  client.fallbackNotificationHandler = news;
  await client.connect(new StdioClientTransport(transport));
}
say({ tools: (await client.listTools()).tools.length });

const call = async ({ tool, args = {}, timeout }) => {
  try {
    const wait = timeout && { timeout };
    const result = await (legacy
      ? client.callTool({ name: tool, arguments: args }, undefined, wait)
      : client.callTool({ name: tool, arguments: args }, wait));
    return { failed: result.isError === true, text: result.content.map((part) => part.text).join('\n') };
  } catch (error) {
    return { failed: true, text: String(error.message) };
  }
};
const doing = {
  call: async (line) => say(await call(line)),
  // Until it goes well, as a person tries again.
  until: async (line) => {
    for (let tries = 0; tries < 60; tries++) {
      const answer = await call(line);
      say(answer);
      if (!answer.failed) return;
      await new Promise((done) => setTimeout(done, 500));
    }
  },
  subscribe: async ({ uri }) => say({ subscribed: await client.subscribeResource({ uri }) }),
  listen: async ({ filter }) => {
    const subscription = await client.listen(filter);
    say({ listening: subscription.honoredFilter ?? true });
  },
};
for await (const line of createInterface({ input: process.stdin })) {
  const wish = JSON.parse(line);
  await doing[wish.do](wish);
}
await client.close();
