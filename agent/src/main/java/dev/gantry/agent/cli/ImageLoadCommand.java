package dev.gantry.agent.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code gantry image load}. */
final class ImageLoadCommand implements Command {
    private static final CommandSpec SPEC = new CommandSpec(
            "image load",
            "FILE|DIRECTORY|-",
            Commands.summary("image load"),
            "Load the images of an OCI layout or of what docker save wrote: a directory, or a tar file, plain or compressed by gzip or zstd.",
            List.of(
                    new CommandSpec.Example("From a file", "gantry image load app.tar"),
                    new CommandSpec.Example("From another tool", "docker save app | gantry image load -")),
            List.of(Option.flag("quiet", 'q', "Print only the images' ids.")));

    @Override
    public CommandSpec spec() {
        return SPEC;
    }

    @Override
    public int run(Arguments arguments, Session session)
            throws UsageException, CliException, IOException, InterruptedException {
        String operand = arguments.operand("the archive");
        ProgressView view = new ProgressView(session.console(), operand, arguments.flag("quiet"));
        if (operand.equals("-")) {
            upload(session, view);
            view.end();
            return 0;
        }
        Path archive = Path.of(operand).toAbsolutePath();
        if (!Files.exists(archive)) {
            throw new CliException("there is no file or directory " + operand);
        }
        if (session.client().isThere()) {
            Map<String, String> query = new LinkedHashMap<>();
            query.put("path", archive.toString());
            String path = ApiClient.query("/gantry/v1/images/load", query);
            try (ApiResponse response = session.client().post(path, "application/json", new byte[0])) {
                ImagePullCommand.show(response, view);
            }
        } else {
            try (Node.LocalImages images = session.node().openImages(session.paths())) {
                images.load(archive, view::line);
            }
        }
        view.end();
        return 0;
    }

    private static void upload(Session session, ProgressView view)
            throws CliException, IOException, InterruptedException {
        if (session.client().isThere()) {
            try (ApiResponse response = session.client()
                    .postStream(
                            "/gantry/v1/images/load",
                            "application/x-tar",
                            out -> session.console().in().transferTo(out))) {
                ImagePullCommand.show(response, view);
            }
            return;
        }
        Path file = Files.createTempFile("gantry-load-", ".tar");
        try (Node.LocalImages images = session.node().openImages(session.paths())) {
            Files.copy(session.console().in(), file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
            images.load(file, view::line);
        } finally {
            Files.deleteIfExists(file);
        }
    }
}
