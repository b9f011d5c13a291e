/** A plain request for a tool, recognised by form alone: a verb, and one operand in the place where it belongs. */
export interface ToolRequest {
  readonly toolName: string
  readonly args: Readonly<Record<string, string>>
}

interface Rule {
  readonly tool: string
  readonly pattern: RegExp
  readonly fields: readonly string[]
}

const PATH = String.raw`(?:"([^"\n]+)"|(\S+))`
const RULES: readonly Rule[] = [
  rule('file.read', String.raw`(?:read|show|print)(?: me)? (?:the )?file ${PATH}`, ['path']),
  rule('file.write', String.raw`write "([^"\n]*)" (?:in)?to (?:the )?file ${PATH}`, ['content', 'path']),
  rule('shell.run', String.raw`run(?: the command)?:? (?:\`([^\`\n]+)\`|"([^"\n]+)")`, ['command']),
  rule('browser.open', String.raw`(?:open|visit|browse)(?: the)?(?: page| site)? (https?:\/\/\S+)`, ['url']),
]
const REQUEST_CHARACTERS_MAX = 4000

function rule(tool: string, pattern: string, fields: readonly string[]): Rule {
  return { tool, pattern: new RegExp(`^(?:please )?${pattern}[.!]?$`, 'i'), fields }
}

/** The tool call that a message asks for, if that tool is among those offered; otherwise null. */
export function recogniseToolRequest(text: string, offered: readonly string[]): ToolRequest | null {
  const request = text.trim()
  if (request.length > REQUEST_CHARACTERS_MAX) return null
  for (const { tool, pattern, fields } of RULES) {
    const toolName = offered.find((name) => name.replaceAll(/[_-]/g, '.') === tool)
    const match = toolName === undefined ? null : pattern.exec(request)
    if (toolName === undefined || match === null) continue
    const operands = match.slice(1).filter((operand) => operand !== undefined)
    const args = Object.fromEntries(
      fields.map((field, index) => [field, withoutFullStop(operands[index] ?? '')]),
    )
    return { toolName, args }
  }
  return null
}

/** "open https://example.org/." ends a sentence, not the address. */
function withoutFullStop(operand: string): string {
  return operand.length > 1 ? operand.replace(/(?<=\S)\.$/, '') : operand
}
