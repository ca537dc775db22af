package dev.gantry.agent.main;

import dev.gantry.agent.api.Backend;
import dev.gantry.agent.api.ImageLines;
import dev.gantry.agent.api.ManifestException;
import dev.gantry.agent.cli.CliException;
import dev.gantry.agent.cli.Node;
import dev.gantry.agent.cli.Signals;
import dev.gantry.agent.config.AgentConfig;
import dev.gantry.agent.config.ConfigException;
import dev.gantry.agent.config.NodePaths;
import dev.gantry.agent.config.Version;
import dev.gantry.agent.log.LogOutput;
import dev.gantry.images.Image;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageReference;
import dev.gantry.images.ImageStore;
import dev.gantry.images.PullHandle;
import dev.gantry.images.registry.RegistrySettings;
import dev.gantry.images.store.ImageStoreSettings;
import dev.gantry.images.store.LocalImageStore;
import dev.gantry.linux.Linux;
import dev.gantry.runtime.NativeRuntime;
import dev.gantry.runtime.RuntimeSocket;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What commands start in their own process. Each method loads only what it needs. */
final class LocalNode implements Node {
    @Override
    public int runAgent(NodePaths paths, Map<String, String> flags) throws CliException, InterruptedException {
        long began = System.nanoTime();
        AgentConfig config = config(paths, flags);
        requireRoot(config);
        LogOutput.setLevel(config.logLevel());
        Logger log = LoggerFactory.getLogger(LocalNode.class);
        for (String warning : config.warnings()) {
            log.atWarn().addKeyValue("field", warning).log("This setting has no effect in this version, ignoring");
        }
        CountDownLatch stop = stopSignal();
        Map<String, String> environment = System.getenv();
        try {
            Agent agent = Agent.start(config, true, true);
            Optional<ServiceNotifier> manager = ServiceNotifier.of(environment);
            log.atInfo()
                    .addKeyValue("version", Version.CURRENT)
                    .addKeyValue("node", config.nodeName())
                    .addKeyValue("socket", config.paths().socket())
                    .addKeyValue("manifests", config.paths().manifests())
                    .addKeyValue("elapsedMillis", (System.nanoTime() - began) / 1_000_000)
                    .log("Started the agent");
            manager.ifPresent(notifier -> {
                notifier.ready("Serving " + config.paths().socket());
                notifier.watch(environment, agent::isHealthy);
            });
            stop.await();
            log.atInfo().log("Stopping the agent, pods keep running");
            manager.ifPresent(ServiceNotifier::stopping);
            agent.close();
            manager.ifPresent(ServiceNotifier::close);
            return 0;
        } catch (IOException e) {
            throw new CliException(message(e));
        }
    }

    private static CountDownLatch stopSignal() {
        CountDownLatch stop = new CountDownLatch(1);
        Signals.on("TERM", stop::countDown);
        Signals.on("INT", stop::countDown);
        return stop;
    }

    @Override
    public int runRuntime(NodePaths paths, Path socket, Map<String, String> flags)
            throws CliException, InterruptedException {
        long began = System.nanoTime();
        AgentConfig config = config(paths, flags);
        requireRoot(config);
        if (config.runtimeEndpoint().isPresent()) {
            throw new CliException(
                    "the configuration names another runtime, unix://"
                            + config.runtimeEndpoint().get()
                            + ", and this command runs the built-in one: take containerRuntimeEndpoint out of it, or give another --config");
        }
        LogOutput.setLevel(config.logLevel());
        try {
            AgentLock lock = AgentLock.take(config.paths().lock());
            try (lock;
                    NativeRuntime runtime = NativeRuntime.open(PodRuntime.standaloneConfig(config))) {
                serve(runtime, socket, began);
            }
            return 0;
        } catch (IOException | IllegalArgumentException e) {
            throw new CliException(message(e));
        }
    }

    /** Until the signal to stop. */
    private static void serve(NativeRuntime runtime, Path socket, long began) throws IOException, InterruptedException {
        CountDownLatch stop = stopSignal();
        Logger log = LoggerFactory.getLogger(LocalNode.class);
        RuntimeSocket served = PodRuntime.serve(runtime, socket);
        try (served) {
            Optional<ServiceNotifier> manager = ServiceNotifier.of(System.getenv());
            log.atInfo()
                    .addKeyValue("version", Version.CURRENT)
                    .addKeyValue("socket", socket)
                    .addKeyValue("elapsedMillis", (System.nanoTime() - began) / 1_000_000)
                    .log("Started the runtime");
            manager.ifPresent(notifier -> notifier.ready("Serving CRI on " + socket));
            stop.await();
            log.atInfo().log("Stopping the runtime, pods keep running");
            manager.ifPresent(ServiceNotifier::stopping);
            manager.ifPresent(ServiceNotifier::close);
        }
    }

    @Override
    public RunningAgent startAgent(NodePaths paths, Map<String, String> flags)
            throws CliException, InterruptedException {
        AgentConfig config = config(paths, flags);
        requireRoot(config);
        LogOutput.setLevel("warn");
        try {
            // Pods of manifests are the business of `gantry agent`: one for a moment neither starts nor stops them.
            // Only if there
            // are none, what an earlier run left behind can be told from them, and is removed.
            return Agent.start(config, isEmpty(config.paths().manifests()), false);
        } catch (IOException e) {
            throw new CliException(message(e));
        }
    }

    private static boolean isEmpty(Path manifests) {
        if (Files.notExists(manifests)) {
            return true;
        }
        try (Stream<Path> files = Files.list(manifests)) {
            return files.findAny().isEmpty();
        } catch (IOException e) {
            return false;
        }
    }

    /** Without root every pod would fail, each at its own first mount or directory: said once, before anything is made. */
    private static void requireRoot(AgentConfig config) throws CliException {
        String user = System.getProperty("user.name");
        if (config.runtimeEndpoint().isEmpty() && !"root".equals(user)) {
            throw new CliException("running pods needs root, for their namespaces, mounts and cgroups; this is user '"
                    + user + "'. Try again with sudo");
        }
    }

    private static AgentConfig config(NodePaths paths, Map<String, String> flags) throws CliException {
        try {
            return AgentConfig.load(paths, flags);
        } catch (ConfigException e) {
            throw new CliException("the configuration cannot be used:\n  " + String.join("\n  ", e.errors()));
        }
    }

    private static String message(Exception e) {
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }

    @Override
    public LocalImages openImages(NodePaths paths) throws CliException {
        AgentConfig config = config(paths, Map.of());
        ImageStoreSettings settings = ImageStoreSettings.of(config.paths().images());
        if (config.images().archives().isPresent()) {
            settings = settings.withArchiveDirectory(config.images().archives().get());
        }
        try {
            return new OpenedImages(LocalImageStore.open(
                    settings,
                    RegistrySettings.of(System.getenv())
                            .withHostDirectories(config.images().registryConfig()),
                    Linux.system().files(),
                    Clock.systemUTC()));
        } catch (ImageException e) {
            throw new CliException(message(e));
        }
    }

    @Override
    public String explain(NodePaths paths, Path file, byte[] manifest) throws CliException, IOException {
        LogOutput.setLevel("error");
        AgentConfig config = config(paths, Map.of());
        try {
            Backend.Content content = new StrictManifests().decode(file.toString(), manifest);
            AgentLock lock = AgentLock.take(paths.lock());
            try (lock;
                    PodRuntime runtime = PodRuntime.open(config)) {
                return runtime.explain(config, content);
            }
        } catch (ManifestException e) {
            throw new CliException(String.valueOf(e.getMessage()));
        } catch (IOException e) {
            throw new CliException(message(e));
        }
    }

    /** The store, opened by this process. */
    private static final class OpenedImages implements LocalImages {
        private final ImageStore store;

        OpenedImages(ImageStore store) {
            this.store = store;
        }

        private static String text(byte[] bytes) {
            return new String(bytes, StandardCharsets.UTF_8);
        }

        @Override
        public void pull(String reference, Consumer<String> progress) throws CliException, InterruptedException {
            PullHandle pull;
            try {
                pull = store.pull(ImageReference.parse(reference));
            } catch (IllegalArgumentException e) {
                throw new CliException(String.valueOf(e.getMessage()));
            }
            pull.onProgress(now -> {
                synchronized (progress) {
                    progress.accept(text(ImageLines.progress(now)));
                }
            });
            try {
                Image image = pull.result().get();
                synchronized (progress) {
                    progress.accept(text(ImageLines.done(image)));
                }
            } catch (ExecutionException e) {
                synchronized (progress) {
                    progress.accept(text(ImageLines.failed(e.getCause())));
                }
            }
        }

        @Override
        public void load(Path archive, Consumer<String> progress) throws InterruptedException {
            progress.accept(text(ImageLines.phase("LOADING")));
            try {
                for (Image image : store.load(archive)) {
                    progress.accept(text(ImageLines.done(image)));
                }
            } catch (ImageException e) {
                progress.accept(text(ImageLines.failed(e)));
            }
        }

        @Override
        public String list() {
            return text(ImageLines.list(store.list()));
        }

        @Override
        public void remove(String reference) throws CliException, IOException {
            if (!ImageLines.remove(store, reference)) {
                throw new CliException("images \"" + reference + "\" not found");
            }
        }

        @Override
        public void close() {
            store.close();
        }
    }
}
