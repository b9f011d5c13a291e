import { readPolicyFolder } from './read-folder.ts'

// Judges a folder of policy files for preflight, by the rules that the running service applies.
const [folder = ''] = process.argv.slice(2)
const read = readPolicyFolder(folder, [process.getuid?.() ?? 0, 0])
const answer = read.ok
  ? { ok: true, version: read.policy.version, rules: read.policy.rules.length }
  : { ok: false, problems: read.problems }
process.stdout.write(`${JSON.stringify(answer)}\n`)
