import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { askService, type StackAddress } from '../runners/service-access.ts'

/** An exact call for which a person is asked, and the name of that question. */
export interface Approval {
  readonly tokenId: string
  readonly envelope: object
}

/** Asks eva-os as openclaw does, for a command that needs a person; each call is another one. Throws where it fails. */
export async function askApproval(address: StackAddress, token: string, n: number): Promise<Approval> {
  const args = { command: `rm drill-${n}.txt` }
  // One principal a call: how many one may ask for in a minute is not what is looked at here.
  const principal = `drill-${n}`
  const envelope = envelopeOf(args, principal, n)
  const { status, body } = await askService(address, 'eva-os', {
    path: '/gate-tool-call',
    body: { tool_name: 'shell.run', args, principal, envelope },
    headers: { 'x-service-token': token },
  })
  const tokenId = (body as { approval_request?: { token_id?: unknown } }).approval_request?.token_id
  if (status !== 200 || typeof tokenId !== 'string') throw new Error(`eva-os asked nobody: ${status}`)
  return { tokenId, envelope }
}

function envelopeOf(args: { readonly command: string }, principal: string, n: number): object {
  return {
    tool: 'shell.run',
    canonical_args_sha256: sha256(canonicalize(args) ?? ''),
    argv: args.command.split(' '),
    timeout_ms: 5000,
    program: { path: '/usr/bin/rm', device: 1, inode: n, sha256: sha256('rm') },
    cwd: null,
    env: [],
    operands: [],
    principal,
    session_id: null,
    tier: 'TIER_3_DESTRUCTIVE',
    grammar_match: false,
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** A person says yes, or no. Throws where that was not taken. */
export async function decideApproval(
  address: StackAddress,
  operatorKey: string,
  { tokenId, decision }: { readonly tokenId: string; readonly decision: 'approve' | 'deny' },
): Promise<void> {
  const { status } = await askService(address, 'eva-os', {
    path: '/approve',
    body: { token_id: tokenId, decision },
    headers: { 'x-operator-key': operatorKey },
  })
  if (status !== 200) throw new Error(`the decision was not taken: ${status}`)
}

/** Burns the approval: `redeemed`, or the reason of the refusal. Throws where no answer came. */
export async function redeemApproval(
  address: StackAddress,
  token: string,
  approval: Approval,
): Promise<string> {
  const { status, body } = await askService(address, 'eva-os', {
    path: `/approvals/${approval.tokenId}/redeem`,
    body: { envelope: approval.envelope },
    headers: { 'x-service-token': token },
  })
  if (status === 200) return 'redeemed'
  const { error } = body as { error?: { details?: { reason?: unknown } } }
  const reason = error?.details?.reason
  if (typeof reason !== 'string') throw new Error(`eva-os neither burned nor refused: ${status}`)
  return reason
}

/** Ends everything that is open, so that no round leaves questions to the next. */
export async function denyOpenApprovals(address: StackAddress, operatorKey: string): Promise<void> {
  const headers = { 'x-operator-key': operatorKey }
  const { body } = await askService(address, 'eva-os', { path: '/approvals', headers })
  const open = (body as { approvals?: readonly { token_id?: unknown; status?: unknown }[] }).approvals ?? []
  for (const { token_id: tokenId, status } of open) {
    if (typeof tokenId === 'string' && status === 'pending')
      await decideApproval(address, operatorKey, { tokenId, decision: 'deny' })
  }
}

/** Whether the audit's hash chain is whole from its first entry to its last, as the service itself finds. */
export async function isAuditWhole(address: StackAddress, operatorKey: string): Promise<boolean> {
  const headers = { 'x-operator-key': operatorKey }
  const { body } = await askService(address, 'eva-os', { path: '/audit/verify', headers })
  return (body as { ok?: unknown }).ok === true
}
