import { type Static, Type } from 'typebox'
import type { FilesInUse } from '../files/files-in-use.ts'
import { parsePath } from '../files/path-name.ts'
import { FILE_BYTES_MAX } from '../files/read-file.ts'
import type { SandboxRoot } from '../files/walk.ts'
import { type WriteSettings, writeSandboxFile } from '../files/write-file.ts'
import { plainFacts, requireRoot } from './file-read.ts'
import type { SideEffect, Tool } from './tool.ts'

const schema = Type.Object(
  { path: Type.String({ minLength: 1, maxLength: 4096 }), content: Type.String() },
  { additionalProperties: false },
)

export function fileWrite(
  root: SandboxRoot | null,
  settings: Omit<WriteSettings, 'root'> & { readonly inUse: FilesInUse },
): Tool<typeof schema, Static<typeof schema>> {
  return {
    name: 'file.write',
    summary: 'Write a file of the sandbox, whole or not at all; missing folders are made',
    tiers: ['TIER_2_CREATE'],
    schema,
    limits: { file_bytes_max: FILE_BYTES_MAX },
    unavailable: root === null ? 'File tools need /proc and a readable sandbox root' : null,
    prepare: ({ args }) => {
      const sandbox = requireRoot(root)
      const path = parsePath(sandbox, args.path).join('/')
      return {
        facts: plainFacts('TIER_2_CREATE'),
        subject: path,
        assertRunnable: () => undefined,
        run: async () => {
          const endWrite = settings.inUse.beginWrite(path)
          const written = await writeSandboxFile(
            { ...settings, root: sandbox },
            args.path,
            args.content,
          ).finally(endWrite)
          const sideEffects: SideEffect[] = [{ type: 'file_written', target: path }]
          if (written.foldersCreated > 0) sideEffects.push({ type: 'folder_created', target: path })
          return {
            status: 'executed',
            result: { path, size_bytes: written.sizeBytes, created: written.created },
            sideEffects,
          }
        },
        release: () => undefined,
      }
    },
  }
}
