package watch

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/alert"
)

// tlsPort is where a server speaks TLS from the first byte on; elsewhere it is
// asked for.
const tlsPort = "465"

// mail hands the message to a server. The connection is encrypted where the
// server can, and a password is never sent over one that is not.
func (w *watch) mail(ctx context.Context, server *alert.MailServer, to alert.Recipient, d alert.Delivery, m alert.Message) error {
	if server == nil {
		return errors.New("there is no server that takes mail")
	}
	resolve := &resolver{variable: w.Variable}
	user, password := resolve.text(server.User), resolve.text(server.Password)
	if err := resolve.err(); err != nil {
		return err
	}
	client, host, err := dialMail(ctx, server.Server)
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", server.Server, err)
	}
	defer client.Close()
	if err := greet(client, host, user, password); err != nil {
		return fmt.Errorf("greeting %s: %w", server.Server, err)
	}
	if err := hand(client, server.From, to.Mail, letter(server.From, to.Mail, d, m)); err != nil {
		return fmt.Errorf("handing mail to %s: %w", server.Server, err)
	}
	return nil
}

func dialMail(ctx context.Context, server string) (client *smtp.Client, host string, err error) {
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		return nil, "", err
	}
	var dialer interface {
		DialContext(ctx context.Context, network, address string) (net.Conn, error)
	} = &net.Dialer{}
	if port == tlsPort {
		dialer = &tls.Dialer{Config: &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}}
	}
	connection, err := dialer.DialContext(ctx, "tcp", server)
	if err != nil {
		return nil, "", err
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = connection.SetDeadline(deadline)
	}
	if client, err = smtp.NewClient(connection, host); err != nil {
		_ = connection.Close()
	}
	return client, host, err
}

func greet(client *smtp.Client, host, user, password string) error {
	if offered, _ := client.Extension("STARTTLS"); offered {
		if err := client.StartTLS(&tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}); err != nil {
			return err
		}
	}
	if user == "" {
		return nil
	}
	return client.Auth(smtp.PlainAuth("", user, password, host)) // refuses a connection that is not encrypted
}

func hand(client *smtp.Client, from string, to []string, text []byte) error {
	if err := client.Mail(bare(from)); err != nil {
		return err
	}
	for _, address := range to {
		if err := client.Rcpt(bare(address)); err != nil {
			return err
		}
	}
	body, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := body.Write(text); err != nil {
		return err
	}
	if err := body.Close(); err != nil {
		return err
	}
	// The message is theirs by now, whatever the farewell comes to.
	_ = client.Quit()
	return nil
}

// bare is an address without the name before it.
func bare(address string) string {
	if parsed, err := mail.ParseAddress(address); err == nil {
		return parsed.Address
	}
	return address
}

// letter is the message as mail. Its id is the same at every try.
func letter(from string, to []string, d alert.Delivery, m alert.Message) []byte {
	_, domain, _ := strings.Cut(bare(from), "@")
	var text bytes.Buffer
	for _, header := range [][2]string{
		{"From", from}, {"To", strings.Join(to, ", ")},
		{"Subject", mime.QEncoding.Encode("utf-8", "punctual: "+m.Subject())},
		{"Date", d.At.Format(time.RFC1123Z)}, {"Message-ID", fmt.Sprintf("<punctual-alert-%d-%d@%s>", d.ID, d.At.UnixMicro(), domain)},
		{"Auto-Submitted", "auto-generated"}, {"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"}, {"Content-Transfer-Encoding", "quoted-printable"},
	} {
		fmt.Fprintf(&text, "%s: %s\r\n", header[0], header[1])
	}
	text.WriteString("\r\n")
	body := quotedprintable.NewWriter(&text)
	_, _ = body.Write([]byte(m.Text + "\n")) // neither fails in memory
	_ = body.Close()
	return text.Bytes()
}
