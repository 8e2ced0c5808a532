import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** The page is served under any base path, so every address in it is relative. */
const config = defineConfig({
  base: './',
  plugins: [react()],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: 'es2022',
    // Inlined files would be `data:` addresses, which the page's policy refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 400,
  },
  worker: { format: 'es' },
  server: { fs: { allow: ['..'] } },
})

// oxlint-disable-next-line import/no-default-export -- what Vite asks for
export default config
