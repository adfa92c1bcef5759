"""Certificates as a test wants them, made by openssl(1)."""
import os
import shutil
import subprocess
import time


class Authority:
    """A CA in a folder, and what it signs."""

    def __init__(self, folder, name):
        self.folder, self.name, self.serial = folder, name, 0
        self.certificate, self.key = self._path("ca.pem"), self._path("ca.key")
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650",
                      "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.certificate)

    def _path(self, what):
        return str(self.folder / f"{self.name}-{what}")

    def _openssl(self, *arguments, **options):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60, **options)

    def signed(self, names="DNS:a.example", begins=-1, ends=100.5, subject="server", self_signed=False, extra=""):
        """Certificate (with its key in the same file) valid from and until so many days from now."""
        self.serial += 1
        path, request = self._path(f"{self.serial}.pem"), self._path("request")
        key, made = self._path(f"{self.serial}.key"), self._path("made")
        self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={subject}",
                      "-keyout", key, "-out", request)
        config = self._path("config")
        with open(config, "w", encoding="ascii") as file:
            file.write("[ca]\ndefault_ca = it\n[it]\ndatabase = %s\nserial = %s\nnew_certs_dir = %s\ndefault_md = sha256\n"
                       "policy = any\nx509_extensions = names\nunique_subject = no\n[any]\ncommonName = supplied\n[names]\n"
                       "%s%s\n" % (self._path("database"), self._path("serial"), self.folder,
                                   f"subjectAltName = {names}\n" if names else "", extra))
        open(self._path("database"), "a", encoding="ascii").close()
        with open(self._path("serial"), "w", encoding="ascii") as file:
            file.write("%04X\n" % (0x1000 + self.serial))

        def day(number):
            return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + number * 86400))
        by = ["-selfsign", "-keyfile", key] if self_signed else ["-cert", self.certificate, "-keyfile", self.key]
        self._openssl("ca", "-batch", "-config", config, "-notext", "-in", request, "-out", made, *by,
                      "-startdate", day(begins), "-enddate", day(ends))
        with open(path, "wb") as out:
            for part in (made, key):
                with open(part, "rb") as file:
                    out.write(file.read())
        os.chmod(key, 0o600)
        return path

    def key_of(self, certificate):
        return certificate.removesuffix(".pem") + ".key"


class CheckFiles:
    """What etc/examples/https-checks.conf finds in ssl/ beside a director's lbha.conf; all of it of one CA at first."""

    def __init__(self, director, authority):
        self.folder = os.path.join(os.path.dirname(director.config_file), "ssl")
        os.makedirs(self.folder, exist_ok=True)
        self.put(authority.certificate, "ca.pem")
        self.put_ours(authority)

    def put(self, source, name, mode=0o644):
        path = os.path.join(self.folder, name)
        shutil.copyfile(source, path)
        os.chmod(path, mode)

    def put_ours(self, authority):
        """The director's certificate and key."""
        certificate = authority.signed("DNS:lb1", subject="lb1")
        self.put(certificate, "director.pem")
        with open(certificate, encoding="ascii") as file:
            text = file.read()
        with open(os.path.join(self.folder, "director.pem"), "w", encoding="ascii") as file:
            file.write(text[:text.index("-----BEGIN PRIVATE KEY")])
        self.put(authority.key_of(certificate), "director.key", 0o600)
