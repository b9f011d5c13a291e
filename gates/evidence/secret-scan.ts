import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { lintSource } from '@secretlint/core'
import { creator } from '@secretlint/secretlint-rule-preset-recommend'
import { listTree } from './file-tree.ts'

interface SecretFound {
  readonly path: string
  readonly what: string
}

/** Shorter values are words, not secrets, and would be found everywhere. */
const SECRET_LENGTH_MIN = 12
const TEXT_BYTES_MAX = 4 * 1024 * 1024
const PRESET = '@secretlint/secretlint-rule-preset-recommend'

/** Looks in every file for this stack's own secrets, byte for byte, and in text for the known shapes of others'. */
async function findSecrets(root: string, secrets: readonly string[]): Promise<readonly SecretFound[]> {
  const needles = secrets.filter((secret) => secret.length >= SECRET_LENGTH_MIN)
  const found: SecretFound[] = []
  for (const entry of await listTree(root)) {
    if (entry.kind !== 'file') continue
    const bytes = await readFile(join(root, entry.path))
    if (needles.some((needle) => bytes.includes(needle)))
      found.push({ path: entry.path, what: 'a secret of this stack' })
    if (entry.size <= TEXT_BYTES_MAX && !bytes.includes(0)) found.push(...(await lint(entry.path, bytes)))
  }
  return found
}

/** Throws where a folder holds a secret; the message names the places, never the values. */
export async function refuseSecrets(root: string, secrets: readonly string[]): Promise<void> {
  const found = await findSecrets(root, secrets)
  if (found.length === 0) return
  const places = found.slice(0, 5).map(({ path, what }) => `${path} (${what})`)
  throw new Error(`the evidence holds ${found.length} secret(s), so it was not sealed: ${places.join(', ')}`)
}

async function lint(path: string, bytes: Buffer): Promise<readonly SecretFound[]> {
  const result = await lintSource({
    source: { filePath: path, content: bytes.toString('utf8'), ext: extname(path), contentType: 'text' },
    options: {
      maskSecrets: true,
      noPhysicFilePath: true,
      config: { rules: [{ id: PRESET, rule: creator }] },
    },
  })
  return result.messages.map(({ ruleId, messageId }) => ({ path, what: `${ruleId} ${messageId}` }))
}
