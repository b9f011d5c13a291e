import { askForApproval, decide, sendTool } from '../case-run.ts'
import type { Received } from '../corpus-case.ts'
import { asObject, readAnswer } from '../corpus-client.ts'
import {
  type Procedure,
  type ProcedureCall,
  type ProcedureResult,
  numberOf,
  toolOf,
  withWorkFiles,
  writeFiles,
} from './procedure.ts'

/**
 * A person approves `ask`; then `use` (the same call where it is absent) is made with that approval, by `use_principal`
 * or the one that asked. `rewrite` changes files between the two.
 */
export const redeemChanged: Procedure = (call) =>
  withWorkFiles(call, async (folder) => {
    const approvalToken = await approved(call)
    await writeFiles(folder, asObject(call.parameters['rewrite']) ?? {})
    return use(call, approvalToken)
  })

/** `use` before anybody decided, or after a person denied it. */
export const redeemUnapproved: Procedure = (call) =>
  withWorkFiles(call, async () => {
    const approvalToken = await askForApproval(call.run, toolOf(call, 'ask'), call.principal)
    if (call.parameters['deny'] === true) await decide(call.run, approvalToken, 'deny')
    return use(call, approvalToken)
  })

/** The second use of an approval whose first use ran. */
export const redeemTwice: Procedure = (call) =>
  withWorkFiles(call, async (folder) => {
    const approvalToken = await approved(call)
    const first = await use(call, approvalToken)
    if (first.received.execution !== 'executed') return first
    await writeFiles(folder, asObject(call.parameters['files']) ?? {})
    return use(call, approvalToken)
  })

/** Many uses of one approval at the same time; answers with a refused one if exactly one ran. */
export const redeemConcurrently: Procedure = (call) =>
  withWorkFiles(call, async () => {
    const approvalToken = await approved(call)
    const uses = Array.from({ length: numberOf(call, 'times') }, () => use(call, approvalToken))
    const results = await Promise.all(uses)
    const ran = results.filter(({ received }) => received.status === 200)
    const used = results.find(({ received }) => received.reason === 'APPROVAL_USED')
    const odd = results.find(({ received }) => !isRanOrRefused(received))
    if (ran.length === 1 && used !== undefined && odd === undefined) return used
    const what = `${ran.length} of ${results.length} ran; odd: ${odd?.received.code ?? 'none'}`
    return { received: { status: 0, code: what, reason: null, execution: null }, text: '' }
  })

/** On a machine that is overloaded some of many are shed or run out of time: they did not run either. */
function isRanOrRefused({ status, reason }: Received): boolean {
  return status === 200 || reason === 'APPROVAL_USED' || [408, 429, 503].includes(status)
}

const MUTATIONS: Readonly<Record<string, (token: string) => string>> = {
  truncated: (token) => token.slice(0, -4),
  extended: (token) => `${token}00`,
  upper_case: (token) => token.toUpperCase(),
  last_changed: (token) => token.slice(0, -1) + (token.endsWith('0') ? '1' : '0'),
  padded: (token) => ` ${token}`,
  terminated: (token) => `${token}\0`,
}

/** An approved token, spelled a little differently. */
export const redeemMutated: Procedure = (call) =>
  withWorkFiles(call, async () => {
    const mutate = MUTATIONS[String(call.parameters['mutation'])]
    if (mutate === undefined) throw new Error('no such mutation')
    return use(call, mutate(await approved(call)))
  })

/** The principal that asks carries the operator's name: the operator's approval would be its own. */
export const approveOneself: Procedure = async (call) => {
  const tokenId = await askForApproval(call.run, toolOf(call, 'ask'), String(call.parameters['principal']))
  const answer = await decide(call.run, tokenId, 'approve')
  await decide(call.run, tokenId, 'deny')
  return { received: readAnswer(answer), text: answer.text }
}

/** More requests for approval than one principal may make; the answer to the last one. */
export const floodWithRequests: Procedure = async (call) => {
  const tool = toolOf(call, 'ask')
  let last = await sendTool(call.run, tool, { principal: call.principal })
  for (let count = 1; count < numberOf(call, 'times'); count++) {
    last = await sendTool(call.run, tool, { principal: call.principal })
  }
  return { received: readAnswer(last), text: last.text }
}

/** Asks and has a person approve; the approval's token. */
export async function approved(call: ProcedureCall): Promise<string> {
  const tokenId = await askForApproval(call.run, toolOf(call, 'ask'), call.principal)
  const { status, text } = await decide(call.run, tokenId, 'approve')
  if (status !== 200) throw new Error(`the approval was not given: ${text.slice(0, 300)}`)
  return tokenId
}

export async function use(call: ProcedureCall, approvalToken: string): Promise<ProcedureResult> {
  const tool = toolOf(call, call.parameters['use'] === undefined ? 'ask' : 'use')
  const other = call.parameters['use_principal']
  const principal = typeof other === 'string' ? other : call.principal
  const answer = await sendTool(call.run, tool, { principal, approvalToken })
  return { received: readAnswer(answer), text: answer.text }
}
