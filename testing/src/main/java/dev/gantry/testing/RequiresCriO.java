package dev.gantry.testing;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Skips, with the reason, unless a {@link CriO} can run here: as root, with its programs and those of its pods' network. */
@RequiresRoot
@RequiresTool({
    "busybox",
    "ip",
    "crio",
    "conmon",
    "pinns",
    "skopeo",
    "runc",
    "iptables",
    "/usr/lib/cni/bridge",
    "unshare",
    "nsenter"
})
@Documented
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
public @interface RequiresCriO {}
