package dev.gantry.runtime.spec;

import com.google.protobuf.ByteString;
import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.KeyValue;
import dev.gantry.images.ImageConfig;
import dev.gantry.linux.RawName;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Command line and environment from request and image. */
final class ProcessArguments {
    static final String DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    private ProcessArguments() {}

    /** CRI's rule: a command of the request replaces the image's entrypoint and its arguments with it. */
    static List<String> commandLine(ContainerConfig config, ImageConfig image) throws SpecException {
        List<String> command = config.getCommandList();
        List<String> arguments = config.getArgsList();
        if (command.isEmpty()) {
            command = image.entrypoint();
            if (arguments.isEmpty()) {
                arguments = image.cmd();
            }
        }
        List<String> line = new ArrayList<>(command);
        line.addAll(arguments);
        if (line.isEmpty() || line.get(0).isEmpty()) {
            throw SpecException.invalid("no command specified: neither the container nor its image names one");
        }
        for (String argument : line) {
            if (argument.indexOf('\0') >= 0) {
                throw SpecException.invalid("command: an argument contains a NUL byte");
            }
        }
        return line;
    }

    /** {@code NAME=value}: defaults, the image's, the request's; a later one replaces an earlier one in its place. */
    static List<String> environment(ContainerConfig config, ImageConfig image, String hostname, ContainerUser user)
            throws SpecException {
        Map<String, String> variables = new LinkedHashMap<>();
        variables.put("PATH", DEFAULT_PATH);
        variables.put("HOSTNAME", hostname);
        if (config.getTty()) {
            variables.put("TERM", "xterm");
        }
        for (String assignment : image.env()) {
            int equals = assignment.indexOf('=');
            if (equals > 0 && assignment.indexOf('\0') < 0) {
                variables.put(assignment.substring(0, equals), assignment.substring(equals + 1));
            }
        }
        for (KeyValue variable : config.getEnvsList()) {
            String name = variable.getKey();
            if (name.isEmpty() || name.indexOf('=') >= 0 || name.indexOf('\0') >= 0) {
                throw SpecException.invalid("envs: '%s' is no name of a variable", name);
            }
            variables.put(name, value(name, variable.getValue()));
        }
        variables.putIfAbsent("HOME", user.home());
        List<String> environment = new ArrayList<>(variables.size());
        variables.forEach((name, value) -> environment.add(name + "=" + value));
        return environment;
    }

    /** Values are bytes and need not be UTF-8. */
    private static String value(String name, ByteString bytes) throws SpecException {
        String value = RawName.decode(bytes.toByteArray());
        if (value.indexOf('\0') >= 0) {
            throw SpecException.invalid("envs: the value of '%s' contains a NUL byte", name);
        }
        return value;
    }
}
