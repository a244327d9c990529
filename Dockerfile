# Builds the release: sources compiled, the UI bundled, run-time packages only.
FROM node:22-bookworm-slim AS build
WORKDIR /trivium
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts && npm rebuild node
COPY . .
RUN npm run build:ui && npm run build && npm prune --omit=dev --ignore-scripts

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --home-dir /data trivium && mkdir /data && chown trivium /data
WORKDIR /trivium
COPY --from=build /trivium/node_modules ./node_modules
COPY --from=build /trivium/dist ./dist
COPY --from=build /trivium/ui/dist ./ui/dist
COPY --from=build /trivium/bin ./bin
COPY --from=build /trivium/package.json /trivium/LICENSE ./
USER 10001
VOLUME /data
EXPOSE 3000 9090 3100 3200 4317 4318 9091 9411 14250 14268
# In a container the listeners must be reachable from outside of it; the port mapping decides who may.
ENTRYPOINT ["/trivium/bin/trivium", "serve", "--data-dir", "/data", "--listen", "0.0.0.0"]
