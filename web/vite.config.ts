import preact from '@preact/preset-vite'
import { defineConfig } from 'vite'

// The page is part of the package: built files are committed, so that nobody who installs it needs Node.
export default defineConfig({
  plugins: [preact()],
  base: './',
  build: {
    outDir: '../src/perdure/api/static',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    rollupOptions: {
      output: { entryFileNames: 'page.js', chunkFileNames: '[name].js', assetFileNames: 'page[extname]' },
    },
  },
  server: { proxy: { '/api': 'http://localhost:8710' } },
})
