import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { thirdPartyNotices } from './third-party-notices.ts'

// npm run notices: writes the file anew after a dependency has changed.
const repository = fileURLToPath(new URL('..', import.meta.url))
writeFileSync(join(repository, 'THIRD_PARTY_NOTICES.txt'), thirdPartyNotices(repository))
