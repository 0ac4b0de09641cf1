// A server of the stateless revision (2026-07-28), from the SDK, with one tool for each thing that is tried.
import { McpServer, acceptedContent, inputRequired } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

const text = (value) => ({ content: [{ type: 'text', text: String(value) }] });

serveStdio(() => {
  const server = new McpServer(
    { name: 'modern', version: '1' },
    { capabilities: { tools: { listChanged: true } } },
  );
  server.registerTool('get-env', { inputSchema: z.object({}) }, async () => text(JSON.stringify(process.env)));
  const schema = z.object({ name: z.string() });
  server.registerTool('greet', { inputSchema: z.object({}) }, async (_, context) => {
    const given = acceptedContent(context.mcpReq.inputResponses, 'who', schema);
    if (given) return text(`hello ${given.name}, from ${process.pid}`);
    return inputRequired({
      inputRequests: { who: inputRequired.elicit({ message: 'who?', requestedSchema: schema }) },
      requestState: `of ${process.pid}`,
    });
  });
  server.registerTool('touch', { inputSchema: z.object({}) }, async () => {
    server.sendToolListChanged();
    return text('touched');
  });
  return server;
});
