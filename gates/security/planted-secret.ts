import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The seed's own example (3.4): a key written into the configuration. */
export const PLANTED_SECRET = 'sk-test-secret'

/** A copy of a state folder's configuration with the secret in it, for as long as `use` looks at it. */
export async function withPlantedSecret<T>(
  home: string,
  scratch: string,
  use: (copy: string) => Promise<T>,
): Promise<T> {
  const copy = join(scratch, 'planted-secret')
  await mkdir(copy, { recursive: true, mode: 0o700 })
  try {
    await cp(join(home, 'config'), join(copy, 'config'), { recursive: true })
    const configuration = JSON.stringify({ secrets: { api_key: PLANTED_SECRET } })
    await writeFile(join(copy, 'config', 'sonia.json'), configuration, { mode: 0o600 })
    return await use(copy)
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}
