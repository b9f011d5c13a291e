import { env } from 'node:process'
import { usePackedPackages } from '../otel/packed-packages.ts'

// Loaded with --import before every test: tests import the packages as the services do, each in one file.
usePackedPackages(env['SONIA_PACKAGES'])
