package dev.gantry.agent.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code gantry image pull}. */
final class ImagePullCommand implements Command {
    private static final CommandSpec SPEC = new CommandSpec(
            "image pull",
            "NAME...",
            Commands.summary("image pull"),
            "Pull images. Without a running agent the store is opened directly. Credentials come from docker's config.json.",
            List.of(
                    new CommandSpec.Example("From Docker Hub", "gantry image pull busybox"),
                    new CommandSpec.Example(
                            "By digest, from another registry", "gantry image pull quay.io/coreos/etcd@sha256:…")),
            List.of(Option.flag("quiet", 'q', "Print only the image's id.")));

    @Override
    public CommandSpec spec() {
        return SPEC;
    }

    @Override
    public int run(Arguments arguments, Session session)
            throws UsageException, CliException, IOException, InterruptedException {
        if (arguments.operands().isEmpty()) {
            throw new UsageException("the image's name is missing");
        }
        for (String name : arguments.operands()) {
            ProgressView view = new ProgressView(session.console(), name, arguments.flag("quiet"));
            if (session.client().isThere()) {
                Map<String, String> query = new LinkedHashMap<>();
                query.put("image", name);
                String path = ApiClient.query("/gantry/v1/images/pull", query);
                try (ApiResponse response = session.client().post(path, "application/json", new byte[0])) {
                    show(response, view);
                }
            } else {
                try (Node.LocalImages images = session.node().openImages(session.paths())) {
                    images.pull(name, view::line);
                }
            }
            view.end();
        }
        return 0;
    }

    /** Follows lines of progress up to the result. */
    static void show(ApiResponse response, ProgressView view) throws CliException, IOException {
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                view.line(line);
            }
        }
    }
}
