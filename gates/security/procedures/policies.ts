import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { sendTool } from '../case-run.ts'
import { asObject, parseObject, readAnswer, send } from '../corpus-client.ts'
import { approved, use } from './approvals.ts'
import { type Procedure, type ProcedureCall, toolOf, withWorkFiles } from './procedure.ts'

const POLICY_WAIT_MS = 10_000
const POLL_MS = 50

/** The call was approved; then policy forbids it; then the approval is used. */
export const tightenPolicy: Procedure = (call) =>
  withWorkFiles(call, async () => {
    const approvalToken = await approved(call)
    return withDestructiveRule(call, { effect: 'deny' }, () => use(call, approvalToken))
  })

/** Approvals live one second; the call is approved in time and used too late. */
export const useTooLate: Procedure = (call) =>
  withWorkFiles(call, () =>
    withDestructiveRule(call, { approval_seconds: 1 }, async () => {
      const approvalToken = await approved(call)
      await pause(1_500)
      return use(call, approvalToken)
    }),
  )

/** Text that tells whoever reads it to change policy is stored as memory and as a file; then the call is made. */
export const storeInstruction: Procedure = (call) =>
  withWorkFiles(call, async () => {
    const text = String(call.parameters['text'])
    const token = await call.run.tokens.forService('api-gateway', 'memory-engine')
    const body = JSON.stringify({ type: 'note', content: text, session_id: call.principal })
    const headers = { 'x-service-token': token }
    await send(call.run.portBase, 'memory-engine', { method: 'POST', path: '/store', headers, body }).catch(
      () => null,
    )
    const file = { tool_name: 'file.write', args: { path: 'security/work/note.txt', content: text } }
    await sendTool(call.run, file, { principal: call.principal })
    const answer = await sendTool(call.run, toolOf(call, 'ask'), { principal: call.principal })
    return { received: readAnswer(answer), text: answer.text }
  })

/** Runs `body` while the rule for destructive commands is changed, then puts the old file back, byte for byte. */
async function withDestructiveRule<T>(
  call: ProcedureCall,
  change: Readonly<Record<string, unknown>>,
  body: () => Promise<T>,
): Promise<T> {
  const path = join(call.run.world.home, 'config', 'policies', 'default.json')
  const original = await readFile(path, 'utf8')
  const version = await policyVersion(call)
  await replaceFile(path, changedPolicy(original, change))
  try {
    await waitForPolicy(call, (now) => now !== version)
    return await body()
  } finally {
    await replaceFile(path, original)
    await waitForPolicy(call, (now) => now === version)
  }
}

function changedPolicy(text: string, change: Readonly<Record<string, unknown>>): string {
  const policy = parseObject(text)
  const rules = Array.isArray(policy?.['rules']) ? policy['rules'] : []
  const changed = rules.map((rule: unknown) => {
    const one = asObject(rule) ?? {}
    if (one['effect'] !== 'require_approval') return one
    const next = { ...one, ...change }
    // A rule that denies has no life of approvals.
    return next['effect'] === 'deny' ? { ...next, approval_seconds: undefined } : next
  })
  return `${JSON.stringify({ ...policy, rules: changed }, null, 2)}\n`
}

async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.next`, text)
  await rename(`${path}.next`, path)
}

/** Version of the policy in force, as the answer to a harmless question shows it. */
async function policyVersion(call: ProcedureCall): Promise<string> {
  const token = await call.run.tokens.forService('api-gateway', 'eva-os')
  const question = { tool_name: 'file.read', args: { path: 'x' }, principal: call.principal }
  const { text } = await send(call.run.portBase, 'eva-os', {
    method: 'POST',
    path: '/gate-tool-call',
    headers: { 'x-service-token': token },
    body: JSON.stringify(question),
  })
  return String(parseObject(text)?.['policy_version'])
}

async function waitForPolicy(call: ProcedureCall, isThere: (version: string) => boolean): Promise<void> {
  const deadline = performance.now() + POLICY_WAIT_MS
  while (!isThere(await policyVersion(call))) {
    if (performance.now() > deadline) throw new Error('eva-os did not take the changed policy')
    await pause(POLL_MS)
  }
}
