import { type Static, Type } from 'typebox'
import { parsePath } from '../files/path-name.ts'
import { FILE_BYTES_MAX, readSandboxFile } from '../files/read-file.ts'
import type { SandboxRoot } from '../files/walk.ts'
import type { Tool } from './tool.ts'

const schema = Type.Object(
  { path: Type.String({ minLength: 1, maxLength: 4096 }) },
  { additionalProperties: false },
)

export function fileRead(root: SandboxRoot | null): Tool<typeof schema, Static<typeof schema>> {
  return {
    name: 'file.read',
    summary: 'Read a regular file of the sandbox',
    tiers: ['TIER_0_READONLY'],
    schema,
    limits: { file_bytes_max: FILE_BYTES_MAX },
    unavailable: root === null ? 'File tools need /proc and a readable sandbox root' : null,
    prepare: ({ args }) => {
      const sandbox = requireRoot(root)
      const components = parsePath(sandbox, args.path)
      return {
        facts: plainFacts('TIER_0_READONLY'),
        subject: components.join('/'),
        assertRunnable: () => undefined,
        run: async () => {
          const { content, encoding, sizeBytes } = readSandboxFile(sandbox, args.path)
          return {
            status: 'executed',
            result: { path: components.join('/'), content, encoding, size_bytes: sizeBytes },
            sideEffects: [],
          }
        },
        release: () => undefined,
      }
    },
  }
}

/** Facts of a call that starts no program. */
export function plainFacts(tier: 'TIER_0_READONLY' | 'TIER_1_COMPUTE' | 'TIER_2_CREATE') {
  return { tier, grammarMatch: true, argv: null, program: null, cwd: null, env: [], operands: [] } as const
}

export function requireRoot(root: SandboxRoot | null): SandboxRoot {
  if (root === null) throw new Error('A tool without a sandbox root was prepared')
  return root
}
