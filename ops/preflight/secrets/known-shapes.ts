import { extname } from 'node:path'
import { lintSource } from '@secretlint/core'
import { creator } from '@secretlint/secretlint-rule-preset-recommend'
import { type Finding, problem } from '../report.ts'
import { redacted } from './redacted.ts'

const PRESET = '@secretlint/secretlint-rule-preset-recommend'

/** Tokens that this project itself makes: `sonia_<kind>_<random>`. */
const OWN_TOKEN = /\bsonia_[a-z]{2,8}_[A-Za-z0-9_-]{20,}/g

/** Text in the shape of somebody's secret: secretlint's recommended rules, and our own prefix. */
export async function findKnownShapes(path: string, text: string): Promise<readonly Finding[]> {
  const { messages } = await lintSource({
    source: { filePath: path, content: text, ext: extname(path), contentType: 'text' },
    options: {
      maskSecrets: true,
      noPhysicFilePath: true,
      config: { rules: [{ id: PRESET, rule: creator }] },
    },
  })
  return [
    ...messages.map(({ messageId, loc }) =>
      problem(`looks like a secret (${messageId})`, path, loc.start.line),
    ),
    ...ownTokens(path, text),
  ]
}

function ownTokens(path: string, text: string): readonly Finding[] {
  return (
    [...text.matchAll(OWN_TOKEN)]
      // Metric names have the prefix too; a random part has digits or capitals.
      .filter(([token]) => /[0-9]/.test(token) && /[A-Z]/.test(token))
      .map(({ 0: token, index }) =>
        problem(`looks like a token of this project: ${redacted(token)}`, path, lineAt(text, index)),
      )
  )
}

/** Secrets of this very installation, byte for byte. */
export function findOwnSecrets(path: string, text: string, secrets: readonly string[]): readonly Finding[] {
  return secrets.flatMap((secret) => {
    const index = text.indexOf(secret)
    return index < 0
      ? []
      : [problem(`holds a secret of this installation: ${redacted(secret)}`, path, lineAt(text, index))]
  })
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}
