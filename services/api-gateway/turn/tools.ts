/** The tools as models are told of them. Their names may hold no dot in the OpenAI format. */
const TOOLS = [
  {
    name: 'shell.run',
    description: 'Run one allowed program in the sandbox. No shell: no pipes, redirections or substitutions.',
    properties: { command: { type: 'string' }, cwd: { type: 'string' } },
    required: ['command'],
  },
  {
    name: 'file.read',
    description: 'Read a text file of the sandbox.',
    properties: { path: { type: 'string' } },
    required: ['path'],
  },
  {
    name: 'file.write',
    description: 'Write a text file of the sandbox.',
    properties: { path: { type: 'string' }, content: { type: 'string' } },
    required: ['path', 'content'],
  },
  {
    name: 'browser.open',
    description: 'Open a public web page and return its title and text.',
    properties: { url: { type: 'string' } },
    required: ['url'],
  },
] as const

export const TOOL_DEFINITIONS: readonly object[] = TOOLS.map(
  ({ name, description, properties, required }) => ({
    type: 'function',
    function: {
      name: wireName(name),
      description,
      parameters: { type: 'object', properties, required, additionalProperties: false },
    },
  }),
)

function wireName(toolName: string): string {
  return toolName.replace('.', '_')
}

/** The tool that a model named; an unknown name stays as it is, for openclaw to refuse. */
export function toolNameOf(named: string): string {
  return TOOLS.find(({ name }) => wireName(name) === named)?.name ?? named
}
